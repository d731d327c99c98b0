import { rfc3339 } from '../clock.ts';
import { accepted, refused, type CommandHandler } from '../decision.ts';
import { isAutomated, mayWrite } from '../rights.ts';
import { isTaken } from './message-id.ts';

export const messageSend: CommandHandler<'message.send'> = {
  whileArchived: false,
  decide(view, { member }, data, context) {
    if (!mayWrite(member)) return refused('forbidden', 'Only members may send messages.');
    const speaksAsAnother = (data.role !== undefined && data.role !== 'user') || data.name !== undefined;
    if (speaksAsAnother && !isAutomated(context.actor)) {
      return refused('forbidden', 'Only agents and systems may send under another role or name.');
    }
    if (data.createdAt !== undefined && context.actor.service !== true) {
      return refused('forbidden', 'Only a service may set createdAt.');
    }
    if (data.id !== undefined && isTaken(view, data.id)) {
      return refused('conflict', 'A message with this id exists, existed or is being streamed in the session.');
    }
    if (data.parentId !== undefined && view.message(data.parentId) === undefined) {
      return refused('message_not_found', 'The parent message does not exist.');
    }
    if (view.storageFull()) return refused('session_full', 'The session takes no more messages.');
    const id = data.id ?? context.newId();
    return accepted(id, {
      type: 'message.created',
      subject: id,
      data: {
        id,
        ordinal: view.lastOrdinal() + 1,
        text: data.text,
        status: 'completed',
        role: data.role ?? 'user',
        ...(data.name === undefined ? {} : { name: data.name }),
        ...(data.parentId === undefined ? {} : { parentId: data.parentId }),
        ...(data.toolCallId === undefined ? {} : { toolCallId: data.toolCallId }),
        mentions: data.mentions ?? [],
        metadata: data.metadata ?? {},
        createdAt: rfc3339(data.createdAt === undefined ? context.nowMs : Date.parse(data.createdAt)),
      },
    });
  },
};
