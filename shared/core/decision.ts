import { refusal, type ErrorCode, type Refusal } from './codes.ts';
import type { Access } from './rights.ts';
import type { SessionView } from './state.ts';
import type { Actor, CommandDataByName, CommandName, EventDraft, StreamRecord } from './types.ts';

/** What a command changes beside the log (design decision 9): kept by the Session, and no event tells of it. */
export type Note =
  | { kind: 'read'; userId: string; seq: number }
  | { kind: 'stream'; stream: StreamRecord }
  | { kind: 'chunk'; messageId: string; index: number; text: string };

/** A command makes one event, or is noted beside the log, or changes nothing, or is refused. Nothing else can come of it. */
export type Decision =
  /** `author`: whose event it is, where that is not who sent the command */
  | { kind: 'accepted'; entityId: string; event: EventDraft; author?: Actor }
  | { kind: 'noted'; entityId: string; note: Note }
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
export const noted = (entityId: string, note: Note): Decision => ({ kind: 'noted', entityId, note });
export const unchanged = (entityId: string): Decision => ({ kind: 'unchanged', entityId });
export const refused = (code: ErrorCode, detail: string, more: Omit<Refusal, 'code' | 'detail'> = {}): Decision => ({
  kind: 'refused',
  refusal: refusal(code, detail, more),
});
