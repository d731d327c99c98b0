import { accepted, refused, type CommandHandler } from '../decision.ts';
import { mayWrite } from '../rights.ts';

export const traceStart: CommandHandler<'trace.start'> = {
  whileArchived: false,
  decide(view, { member }, data, context) {
    if (!mayWrite(member)) return refused('forbidden', 'Only members may start traces.');
    if (data.id !== undefined && view.trace(data.id) !== undefined) {
      return refused('conflict', 'A trace with this id exists or existed in the session.');
    }
    if (view.storageFull()) return refused('session_full', 'The session takes no more traces.');
    const id = data.id ?? context.newId();
    return accepted(id, { type: 'trace.started', subject: id, data: { id, name: data.name, metadata: data.metadata ?? {} } });
  },
};
