import { refusal, type ErrorCode, type Refusal } from './codes.ts';
import type { Access } from './rights.ts';
import type { SessionView } from './state.ts';
import type { Actor, CommandDataByName, CommandName, EventDraft } from './types.ts';

/** A command makes one event, or changes nothing, or is refused. Nothing else can come of it. */
export type Decision =
  | { kind: 'accepted'; entityId: string; event: EventDraft }
  | { kind: 'unchanged'; entityId: string }
  | { kind: 'refused'; refusal: Refusal };

/** What a handler is given besides the state: time and ids come from outside (seeded in tests). */
export interface DecideContext {
  sessionId: string;
  actor: Actor;
  nowMs: number;
  newId: () => string;
}

/** One per command, each in a file of its own, each tested alone. `access` is what the actor may see. */
export interface CommandHandler<N extends CommandName> {
  /** allowed while the session is archived (contract §1) */
  whileArchived: boolean;
  decide(view: SessionView, access: Access, data: CommandDataByName[N], context: DecideContext): Decision;
}

export const accepted = (entityId: string, event: EventDraft): Decision => ({ kind: 'accepted', entityId, event });
export const unchanged = (entityId: string): Decision => ({ kind: 'unchanged', entityId });
export const refused = (code: ErrorCode, detail: string): Decision => ({ kind: 'refused', refusal: refusal(code, detail) });
