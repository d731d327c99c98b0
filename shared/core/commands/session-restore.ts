import { accepted, unchanged, type CommandHandler } from '../decision.ts';
import { forbidden, isOwner } from '../rights.ts';

export const sessionRestore: CommandHandler<'session.restore'> = {
  whileArchived: true,
  decide(_view, { session, member }) {
    if (!isOwner(member)) return { kind: 'refused', refusal: forbidden('Only an owner may restore the session.') };
    if (session.status === 'active') return unchanged(session.id);
    return accepted(session.id, { type: 'session.restored', subject: session.id, data: {} });
  },
};
