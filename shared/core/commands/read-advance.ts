import { noted, refused, unchanged, type CommandHandler } from '../decision.ts';

/** Read pointers only move forward: of two devices the one that is further counts. */
export const readAdvance: CommandHandler<'read.advance'> = {
  whileArchived: true,
  decide(view, { member }, data, { actor }) {
    if (member === undefined) return refused('forbidden', 'Only members have a read pointer.');
    if (data.seq > view.head()) return refused('invalid_request', 'seq is ahead of the session.');
    if (data.seq <= member.readSeq) return unchanged(actor.id);
    return noted(actor.id, { kind: 'read', userId: actor.id, seq: data.seq });
  },
};
