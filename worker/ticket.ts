import { TENANT_PATTERN } from '../shared/core/ids.ts';

/**
 * A ticket names its tenant, for the Worker has to find the Session by tenant and id before anyone has proved who comes.
 * `base64url({tenant}.{secret})`; nothing is trusted by it: the Session of that tenant alone knows the ticket.
 */
export function sealTicket(tenant: string, secret: string): string {
  return btoa(`${tenant}.${secret}`).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}

/** The tenant that a ticket names; undefined when it is none of ours. */
export function tenantOfTicket(ticket: string): string | undefined {
  try {
    const [tenant, secret] = atob(ticket.replaceAll('-', '+').replaceAll('_', '/')).split('.');
    return tenant !== undefined && TENANT_PATTERN.test(tenant) && /^[A-Za-z0-9_-]+$/.test(secret ?? '') ? tenant : undefined;
  } catch {
    return undefined;
  }
}
