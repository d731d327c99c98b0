import { TENANT_PATTERN, USER_ID_PATTERN } from '../shared/core/ids.ts';

/**
 * A ticket names its tenant, for the Worker has to find the Session by tenant and id before anyone has proved who comes.
 * `base64url({tenant}.{secret})`; nothing is trusted by it: the Session of that tenant alone knows the ticket.
 */
export function sealTicket(tenant: string, secret: string): string {
  return toBase64Url(`${tenant}.${secret}`);
}

/** A ticket for an inbox names the user too: `base64url({tenant}.{base64url of the user id}.{secret})`. */
export function sealInboxTicket(tenant: string, userId: string, secret: string): string {
  return sealTicket(tenant, `${toBase64Url(userId)}.${secret}`);
}

/** The tenant that a ticket names; undefined when it is none of ours. */
export function tenantOfTicket(ticket: string): string | undefined {
  try {
    const [tenant, secret] = fromBase64Url(ticket).split('.');
    return tenant !== undefined && TENANT_PATTERN.test(tenant) && /^[A-Za-z0-9_-]+$/.test(secret ?? '') ? tenant : undefined;
  } catch {
    return undefined;
  }
}

/** Whose inbox a ticket names; undefined when it is not for one. */
export function inboxOfTicket(ticket: string): { tenant: string; userId: string } | undefined {
  try {
    const [tenant = '', user = '', secret] = fromBase64Url(ticket).split('.');
    const userId = fromBase64Url(user);
    return secret !== undefined && TENANT_PATTERN.test(tenant) && USER_ID_PATTERN.test(userId) ? { tenant, userId } : undefined;
  } catch {
    return undefined;
  }
}

function toBase64Url(ascii: string): string {
  return btoa(ascii).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}

/** Throws when it is not base64url. */
function fromBase64Url(text: string): string {
  return atob(text.replaceAll('-', '+').replaceAll('_', '/'));
}
