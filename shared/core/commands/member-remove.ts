import { accepted, refused, type CommandHandler } from '../decision.ts';
import { isOwner } from '../rights.ts';

export const memberRemove: CommandHandler<'member.remove'> = {
  whileArchived: true,
  decide(view, { member }, data, { actor }) {
    if (!isOwner(member) && data.userId !== actor.id) return refused('forbidden', 'Only an owner may remove others.');
    const target = view.member(data.userId);
    if (target?.active !== true) return refused('member_not_found', 'This user is not a member of the session.');
    if (target.role === 'owner' && view.activeOwners() === 1) {
      return refused('last_owner', 'The last owner cannot leave. Make someone else an owner first.');
    }
    return accepted(data.userId, {
      type: 'member.removed',
      subject: data.userId,
      data: { userId: data.userId, role: target.role },
    });
  },
};
