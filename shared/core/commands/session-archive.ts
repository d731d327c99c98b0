import { accepted, unchanged, type CommandHandler } from '../decision.ts';
import { forbidden, isOwner } from '../rights.ts';

export const sessionArchive: CommandHandler<'session.archive'> = {
  whileArchived: true,
  decide(_view, { session, member }) {
    if (!isOwner(member)) return { kind: 'refused', refusal: forbidden('Only an owner may archive the session.') };
    if (session.status === 'archived') return unchanged(session.id);
    return accepted(session.id, { type: 'session.archived', subject: session.id, data: {} });
  },
};
