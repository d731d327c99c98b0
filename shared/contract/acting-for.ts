import { USER_ID_PATTERN } from '../core/ids.ts';
import type { ActorKind } from '../core/types.ts';

const KINDS: readonly string[] = ['user', 'agent', 'system'] satisfies ActorKind[];

/** Reads `id[;kind]` (contract §7: header Millrace-Actor, socket frame `actor`). Undefined when malformed. */
export function parseActingFor(value: string): { id: string; kind: ActorKind } | undefined {
  const at = value.lastIndexOf(';');
  const kind = at === -1 ? 'user' : value.slice(at + 1).trim();
  const id = (at === -1 ? value : value.slice(0, at)).trim();
  if (!USER_ID_PATTERN.test(id) || !KINDS.includes(kind)) return undefined;
  return { id, kind: kind as ActorKind };
}
