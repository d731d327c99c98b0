import * as oauth from 'oauth4webapi';
import type { OidcSettings } from '../settings.ts';
import { readStored, writeStored } from '../stored.ts';
import type { Identity } from './identity.ts';

type OidcIdentity = Extract<Identity, { kind: 'oidc' }>;

/** What has to outlive the way to the provider and back: in this tab, and for one sign-in. */
interface Underway {
  verifier: string;
  state: string;
  nonce: string;
  /** where to go on */
  path: string;
}

const UNDERWAY = 'sign-in';
const tab = (): Storage => sessionStorage;

function redirectUri(): string {
  return `${location.origin}/sign-in`;
}

/** Plain HTTP is for providers of this machine: the library refuses it elsewhere. */
function optionsFor(issuer: URL): { [oauth.allowInsecureRequests]?: boolean } {
  const isLocal = ['localhost', '127.0.0.1', '[::1]'].includes(issuer.hostname);
  return issuer.protocol === 'http:' && isLocal ? { [oauth.allowInsecureRequests]: true } : {};
}

async function discover(settings: OidcSettings): Promise<oauth.AuthorizationServer> {
  const issuer = new URL(settings.issuer);
  const response = await oauth.discoveryRequest(issuer, { algorithm: 'oidc', ...optionsFor(issuer) });
  return oauth.processDiscoveryResponse(issuer, response);
}

/** Leaves for the provider (authorization code with PKCE, RFC 7636). */
export async function leaveForProvider(settings: OidcSettings, path: string): Promise<void> {
  const server = await discover(settings);
  if (server.authorization_endpoint === undefined) throw new Error('The provider names no authorization endpoint.');
  const underway: Underway = {
    verifier: oauth.generateRandomCodeVerifier(),
    state: oauth.generateRandomState(),
    nonce: oauth.generateRandomNonce(),
    path,
  };
  writeStored(UNDERWAY, JSON.stringify(underway), tab);
  const address = new URL(server.authorization_endpoint);
  const parameters = {
    client_id: settings.clientId,
    redirect_uri: redirectUri(),
    response_type: 'code',
    scope: settings.scope,
    state: underway.state,
    nonce: underway.nonce,
    code_challenge: await oauth.calculatePKCECodeChallenge(underway.verifier),
    code_challenge_method: 'S256',
    ...(settings.audience === undefined ? {} : { audience: settings.audience }),
  };
  for (const [name, value] of Object.entries(parameters)) address.searchParams.set(name, value);
  location.assign(address);
}

/** Back from the provider: its code for tokens. Answers who that is, and where the way there began. */
export async function comeBack(settings: OidcSettings, here: URL): Promise<{ identity: OidcIdentity; path: string }> {
  const text = readStored(UNDERWAY, tab);
  writeStored(UNDERWAY, null, tab);
  if (text === null) throw new Error('This sign-in was not begun in this tab, or is over: begin again.');
  // this page wrote it
  const underway = JSON.parse(text) as Underway;
  const server = await discover(settings);
  const client: oauth.Client = { client_id: settings.clientId };
  const parameters = oauth.validateAuthResponse(server, client, here, underway.state);
  const response = await oauth.authorizationCodeGrantRequest(
    server,
    client,
    oauth.None(),
    parameters,
    redirectUri(),
    underway.verifier,
    optionsFor(new URL(settings.issuer)),
  );
  const tokens = await oauth.processAuthorizationCodeResponse(server, client, response, { expectedNonce: underway.nonce });
  return { identity: identityOf(tokens), path: underway.path };
}

/** New tokens without leaving the page. */
export async function renew(settings: OidcSettings, refreshToken: string): Promise<OidcIdentity> {
  const server = await discover(settings);
  const client: oauth.Client = { client_id: settings.clientId };
  const options = optionsFor(new URL(settings.issuer));
  const response = await oauth.refreshTokenGrantRequest(server, client, oauth.None(), refreshToken, options);
  return identityOf(await oauth.processRefreshTokenResponse(server, client, response), refreshToken);
}

/** The access token, where it says whose it is, as the edge wants it; else the ID token. */
function identityOf(tokens: oauth.TokenEndpointResponse, refreshBefore?: string): OidcIdentity {
  const { access_token, id_token, expires_in, refresh_token = refreshBefore } = tokens;
  const isJwt = access_token.split('.').length === 3;
  return {
    kind: 'oidc',
    token: isJwt || id_token === undefined ? access_token : id_token,
    ...(refresh_token === undefined ? {} : { refreshToken: refresh_token }),
    ...(expires_in === undefined || !isJwt ? {} : { expiresAtMs: Date.now() + expires_in * 1_000 }),
  };
}
