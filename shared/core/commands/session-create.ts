import { accepted, refused, type DecideContext, type Decision } from '../decision.ts';
import type { SessionView } from '../state.ts';
import type { CommandDataByName } from '../types.ts';

/** The only command that finds no session. Whoever creates it is its owner, whatever `members` says. */
export function decideSessionCreate(
  view: SessionView,
  data: CommandDataByName['session.create'],
  context: DecideContext,
): Decision {
  if (view.session() !== undefined) return refused('conflict', 'This session exists, or existed: its id cannot be taken again.');
  const others = (data.members ?? []).filter((member) => member.userId !== context.actor.id);
  return accepted(context.sessionId, {
    type: 'session.created',
    subject: context.sessionId,
    data: {
      title: data.title,
      description: data.description ?? '',
      visibility: data.visibility ?? 'private',
      metadata: data.metadata ?? {},
      members: [{ userId: context.actor.id, role: 'owner' }, ...others],
    },
  });
}
