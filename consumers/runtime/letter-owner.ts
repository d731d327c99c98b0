import { ID_PATTERN, TENANT_PATTERN } from '../../shared/core/ids.ts';
import { LETTER_HEADERS } from './letter-headers.ts';
import { headerOf, type KeptLetter } from './letters.ts';

/** Whose a dead letter is: one rule for those who show letters and those who count them. */

type Headers = Pick<KeptLetter, 'headers'>;

/** Where the original was published, as the runtime wrote it down. */
export function originalSubject(letter: Headers): string {
  return headerOf(letter, LETTER_HEADERS.subject) ?? '';
}

/** By the subject that the publisher's rights vouch for. */
export function ownerOf(letter: Headers): { tenant?: string; sessionId?: string } {
  const [root, kind, tenant = '', ...rest] = originalSubject(letter).split('.');
  if (root !== 'millrace' || (kind !== 'events' && kind !== 'commands') || !TENANT_PATTERN.test(tenant)) return {};
  const sessionId = rest.at(-1) ?? '';
  return rest.length === (kind === 'events' ? 3 : 1) && ID_PATTERN.test(sessionId) ? { tenant, sessionId } : { tenant };
}

/** A letter that names no tenant is the business of whoever runs the system for nobody else. */
const NOBODYS_TENANT = 'default';

export function tenantOf(letter: Headers): string {
  return ownerOf(letter).tenant ?? NOBODYS_TENANT;
}
