import { accepted, unchanged, type CommandHandler } from '../decision.ts';
import { forbidden, isOwner } from '../rights.ts';
import { canonicalJson } from '../text.ts';

export const sessionUpdate: CommandHandler<'session.update'> = {
  whileArchived: false,
  decide(_view, { session, member }, data) {
    if (!isOwner(member)) return { kind: 'refused', refusal: forbidden('Only an owner may change the session.') };
    const before = {
      title: session.title,
      description: session.description,
      visibility: session.visibility,
      metadata: session.metadata,
    };
    const after = {
      ...before,
      ...(data.title === undefined ? {} : { title: data.title }),
      ...(data.description === undefined ? {} : { description: data.description }),
      ...(data.metadata === undefined ? {} : { metadata: data.metadata }),
    };
    if (canonicalJson(before) === canonicalJson(after)) return unchanged(session.id);
    return accepted(session.id, { type: 'session.updated', subject: session.id, data: after });
  },
};
