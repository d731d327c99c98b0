import { accepted, type CommandHandler } from '../decision.ts';
import { forbidden, isOwner } from '../rights.ts';

export const sessionDelete: CommandHandler<'session.delete'> = {
  whileArchived: true,
  decide(_view, { session, member }) {
    if (!isOwner(member)) return { kind: 'refused', refusal: forbidden('Only an owner may delete the session.') };
    return accepted(session.id, { type: 'session.deleted', subject: session.id, data: {} });
  },
};
