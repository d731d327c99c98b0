import { SignJWT } from 'jose';
import { z } from 'zod';
import { describe } from '../runtime/log.ts';
import { EdgeRefused, signedPoster } from '../runtime/signed-post.ts';
import { error, ok, warning, type Finding } from './finding.ts';
import { listOf, type Environment } from './settings-checks.ts';

/** Whether the edge is there, and has the same secrets and settings as we do. Changes nothing. */

const CHECK = 'edge';
const CALL_MS_MAX = 5_000;
const TOKEN_TTL_S = 60;
const ORIGINS_MAX = 20;

export interface EdgeSettings {
  edgeUrl: string;
  internalSecret: string;
}

export async function checkEdge({ edgeUrl, internalSecret }: EdgeSettings, env: Environment): Promise<Finding[]> {
  try {
    const response = await get(`${edgeUrl}/healthz`);
    if (response.status !== 200) throw new Error(`it answers ${response.status}`);
  } catch (failure) {
    const says = `The edge does not answer at ${edgeUrl}: ${reasonOf(failure)}`;
    return [
      error(
        CHECK,
        says,
        'Start or deploy it, or correct EDGE_URL. Until then no receipt arrives, and the sessions hold back what they keep.',
      ),
    ];
  }
  const parts = await Promise.all([
    readiness(edgeUrl),
    internal(edgeUrl, internalSecret),
    token(edgeUrl, env),
    origins(edgeUrl, env),
    publicUrl(env),
  ]);
  return [ok(CHECK, `The edge answers at ${edgeUrl}.`), ...parts.flat()];
}

const readyAnswer = z.object({ parts: z.record(z.string(), z.object({ status: z.string() })) });

async function readiness(edgeUrl: string): Promise<Finding[]> {
  const check = 'edge:ready';
  const { parts } = readyAnswer.parse(await (await get(`${edgeUrl}/readyz`)).json());
  const away = Object.entries(parts).flatMap(([name, { status }]) => (status === 'ok' ? [] : [name]));
  if (away.length === 0) return [ok(check, 'The edge says that all parts are ready.')];
  const fix = AWAY_FIXES.find(([name]) => away.includes(name))?.[1] ?? 'See what is said of these here.';
  return [error(check, `The edge says that these are not ready: ${away.join(', ')}.`, fix)];
}

/** the first that fits: what is behind it follows from it */
const AWAY_FIXES: readonly (readonly [part: string, fix: string])[] = [
  ['edge', 'A secret of the edge is missing or too short: its log (wrangler tail) names it.'],
  ['uplink', 'The edge does not reach NATS: see NATS_WS_URL, its certificate, and the rights of the user in its NATS_CREDS.'],
  ['consumers', 'No process of the consumers answers the edge: start them, or let their user subscribe millrace.query.*'],
];

/** A call whose body no edge takes: one that says so has proved the signature. */
async function internal(edgeUrl: string, secret: string): Promise<Finding[]> {
  const check = 'INTERNAL_SECRET';
  try {
    await signedPoster(edgeUrl, secret, Date.now)('/internal/signals', {}, CALL_MS_MAX);
  } catch (failure) {
    if (!(failure instanceof EdgeRefused)) throw failure;
    if (failure.status === 400) return [ok(check, 'The edge has the same INTERNAL_SECRET.')];
    if (failure.status === 401) {
      const says =
        'The edge has another INTERNAL_SECRET, or its clock is more than 300 s from ours: no receipt is taken, and statuses stay "published".';
      return [
        error(
          check,
          says,
          'Set the same INTERNAL_SECRET for the consumers and for the edge (wrangler secret put INTERNAL_SECRET).',
        ),
      ];
    }
    if (failure.status === 503) {
      return [
        error(
          check,
          'The edge is not configured to serve.',
          'JWT_SECRET or INTERNAL_SECRET of the edge is missing or shorter than 32 bytes.',
        ),
      ];
    }
    throw failure;
  }
  throw new Error('the edge took a call that is none');
}

async function token(edgeUrl: string, env: Environment): Promise<Finding[]> {
  const check = 'JWT_SECRET:edge';
  const secret = env['JWT_SECRET'];
  if (secret === undefined || secret === '') return [];
  const signer = new SignJWT({}).setProtectedHeader({ alg: 'HS256' }).setSubject('doctor').setIssuedAt();
  signer.setExpirationTime(`${TOKEN_TTL_S} s`);
  if (env['JWT_ISSUER']) signer.setIssuer(env['JWT_ISSUER']);
  if (env['JWT_AUDIENCE']) signer.setAudience(env['JWT_AUDIENCE']);
  const bearer = await signer.sign(new TextEncoder().encode(secret));
  const { status } = await get(`${edgeUrl}/v1/sessions?limit=1`, { Authorization: `Bearer ${bearer}` });
  if (status === 200) return [ok(check, 'The edge takes tokens that are signed with this JWT_SECRET.')];
  if (status !== 401) return [];
  const says = 'The edge refuses tokens that are signed with this JWT_SECRET: everybody who logs in is answered 401.';
  return [
    error(
      check,
      says,
      'Set the same JWT_SECRET, JWT_ISSUER and JWT_AUDIENCE at the edge and where tokens are made; see its clock.',
    ),
  ];
}

/** What a browser asks before it calls from another origin. */
async function origins(edgeUrl: string, env: Environment): Promise<Finding[]> {
  const check = 'ALLOWED_ORIGINS:edge';
  const listed = listOf(env['ALLOWED_ORIGINS']).slice(0, ORIGINS_MAX);
  const refused: string[] = [];
  for (const origin of listed) {
    const response = await fetch(`${edgeUrl}/v1/sessions`, {
      method: 'OPTIONS',
      headers: { Origin: origin, 'Access-Control-Request-Method': 'GET' },
      signal: AbortSignal.timeout(CALL_MS_MAX),
    });
    if (response.headers.get('Access-Control-Allow-Origin') !== origin) refused.push(origin);
  }
  if (refused.length > 0) {
    const says = `The edge does not allow ${refused.join(', ')}, which ALLOWED_ORIGINS names: pages from there are refused.`;
    return [error(check, says, 'Deploy the edge with this ALLOWED_ORIGINS, each exactly as a browser sends it.')];
  }
  return listed.length === 0 ? [] : [ok(check, 'The edge allows what ALLOWED_ORIGINS names.')];
}

async function publicUrl(env: Environment): Promise<Finding[]> {
  const url = env['PUBLIC_URL'];
  if (url === undefined || !URL.canParse(url)) return [];
  const check = 'PUBLIC_URL:edge';
  try {
    if ((await get(new URL('/healthz', url).href)).status === 200) return [ok(check, `The edge answers at ${url}.`)];
  } catch {
    // told below: what is wrong with the way there cannot be told from here
  }
  const says = `Nothing of ours answers at PUBLIC_URL (${url}): the schemas that events name are not there.`;
  return [warning(check, says, 'Correct PUBLIC_URL, or the way there; from this machine it may be another than for clients.')];
}

async function get(url: string, headers: Record<string, string> = {}): Promise<Response> {
  return await fetch(url, { headers, redirect: 'error', signal: AbortSignal.timeout(CALL_MS_MAX) });
}

/** What undici says of a refused connection is in its cause. */
function reasonOf(failure: unknown): string {
  return failure instanceof Error && failure.cause instanceof Error ? describe(failure.cause) : describe(failure);
}
