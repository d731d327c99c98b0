import { memberPut } from './commands/member-put.ts';
import { memberRemove } from './commands/member-remove.ts';
import { messageDelete } from './commands/message-delete.ts';
import { messageEdit } from './commands/message-edit.ts';
import { messageSend } from './commands/message-send.ts';
import { readAdvance } from './commands/read-advance.ts';
import { sessionArchive } from './commands/session-archive.ts';
import { decideSessionCreate } from './commands/session-create.ts';
import { sessionDelete } from './commands/session-delete.ts';
import { sessionRestore } from './commands/session-restore.ts';
import { sessionUpdate } from './commands/session-update.ts';
import { streamAppend } from './commands/stream-append.ts';
import { streamCancel } from './commands/stream-cancel.ts';
import { streamFinish } from './commands/stream-finish.ts';
import { streamStart } from './commands/stream-start.ts';
import { refused, type CommandHandler, type DecideContext, type Decision } from './decision.ts';
import { SEQ_MAX } from './limits.ts';
import { readAccess } from './rights.ts';
import type { SessionView } from './state.ts';
import type { Command, CommandName } from './types.ts';

/** Every command but session.create, which finds no session and so no access. */
type Handlers = { [N in Exclude<CommandName, 'session.create'>]: CommandHandler<N> };

export const COMMAND_HANDLERS: Handlers = {
  'session.update': sessionUpdate,
  'session.archive': sessionArchive,
  'session.restore': sessionRestore,
  'session.delete': sessionDelete,
  'member.put': memberPut,
  'member.remove': memberRemove,
  'message.send': messageSend,
  'message.edit': messageEdit,
  'message.delete': messageDelete,
  'read.advance': readAdvance,
  'stream.start': streamStart,
  'stream.append': streamAppend,
  'stream.finish': streamFinish,
  'stream.cancel': streamCancel,
};

/**
 * What comes of a command in this state: pure, so that the Session, the client and the simulator agree.
 * Order of refusals: visibility, then `forbidden`, then archived, then all that depends on the content.
 */
export function decide(view: SessionView, command: Command, context: DecideContext): Decision {
  if (command.name === 'session.create') return decideSessionCreate(view, command.data, context);
  const found = readAccess(view, context.actor.id);
  if (!found.ok) return { kind: 'refused', refusal: found.refusal };
  if (view.head() >= SEQ_MAX) return refused('session_full', 'The session takes no more events.');
  // the index signature cannot follow the pairing of name and data, which Command has already proved
  const handler = COMMAND_HANDLERS[command.name] as CommandHandler<typeof command.name>;
  const decision = handler.decide(view, found.access, command.data, context);
  const archived = found.access.session.status === 'archived' && !handler.whileArchived;
  if (archived && (decision.kind !== 'refused' || decision.refusal.code !== 'forbidden')) {
    return refused('session_archived', 'The session is archived: restore it first.');
  }
  return decision;
}
