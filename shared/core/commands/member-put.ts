import { accepted, refused, unchanged, type CommandHandler } from '../decision.ts';
import { SESSION_MEMBERS_MAX } from '../limits.ts';
import { isOwner } from '../rights.ts';

export const memberPut: CommandHandler<'member.put'> = {
  whileArchived: false,
  decide(view, { session, member }, data, { actor }) {
    const joinsOrSteps = data.userId === actor.id && session.visibility === 'public' && data.role !== 'owner';
    if (!isOwner(member) && !joinsOrSteps) {
      return refused('forbidden', 'Only an owner may set roles; in a public session anyone may join as member or viewer.');
    }
    const target = view.member(data.userId);
    if (target?.active !== true) {
      if (view.activeMembers() >= SESSION_MEMBERS_MAX) {
        return refused('session_full', `A session has at most ${SESSION_MEMBERS_MAX} members.`);
      }
      return accepted(data.userId, { type: 'member.added', subject: data.userId, data });
    }
    if (target.role === data.role) return unchanged(data.userId);
    if (target.role === 'owner' && view.activeOwners() === 1) {
      return refused('last_owner', 'The last owner cannot be demoted. Make someone else an owner first.');
    }
    return accepted(data.userId, { type: 'member.updated', subject: data.userId, data });
  },
};
