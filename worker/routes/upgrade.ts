import { TICKET_PROTOCOL_PREFIX } from '../../shared/contract/frames.ts';
import { authenticate } from '../middleware/auth.ts';
import { isOriginAllowed } from '../middleware/origin.ts';
import { SOCKET_HEADERS } from '../session/api.ts';
import type { AppContext, Caller } from './context.ts';
import { refuse } from './refused.ts';

/** What every upgrade has in common (contract §4): all that can be refused without the object is refused before it. */

export function requireUpgrade(c: AppContext): void {
  if (c.req.header('Upgrade')?.toLowerCase() !== 'websocket') {
    throw refuse('upgrade_required', 'This address answers WebSocket upgrades only.', { Upgrade: 'websocket' });
  }
  const origin = c.req.header('Origin');
  if (origin !== undefined && !isOriginAllowed(c.env, origin, c.req.url)) {
    throw refuse('origin_not_allowed', 'Pages of this origin may not connect.');
  }
}

/** Who comes with a token; undefined for who comes with a ticket. */
export async function callerOf(c: AppContext): Promise<Caller | undefined> {
  return c.req.header('Authorization') === undefined ? undefined : await authenticate(c.env, c.req.raw.headers);
}

/** The ticket among the subprotocols. Throws unauthenticated when there is none. */
export function offeredTicket(c: AppContext): string {
  const protocols = (c.req.header('Sec-WebSocket-Protocol') ?? '').split(',').map((each) => each.trim());
  const ticket = protocols.find((each) => each.startsWith(TICKET_PROTOCOL_PREFIX))?.slice(TICKET_PROTOCOL_PREFIX.length);
  if (ticket === undefined || ticket === '') throw refuse('unauthenticated', 'A ticket or a Bearer token is needed.');
  return ticket;
}

/** The upgrade as the object trusts it: our headers replace any that a client sent, and the token stays here. */
export function handedOver(c: AppContext, ours: Readonly<Record<string, string>>, caller: Caller | undefined): Request {
  const headers = new Headers(c.req.raw.headers);
  for (const name of Object.values(SOCKET_HEADERS)) headers.delete(name);
  headers.delete('Authorization');
  for (const [name, value] of Object.entries(ours)) headers.set(name, value);
  headers.set(SOCKET_HEADERS.correlationId, c.var.correlationId);
  if (caller !== undefined) {
    const { actor, tokenExpiresAtMs } = caller;
    headers.set(SOCKET_HEADERS.caller, encodeURIComponent(JSON.stringify({ actor, tokenExpiresAtMs })));
  }
  return new Request(c.req.raw, { headers });
}
