import { randomInt } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { apply } from '../../../../shared/core/apply.ts';
import { COMMAND_NAMES } from '../../../../shared/contract/catalogue.ts';
import { decide } from '../../../../shared/core/decide.ts';
import { MemoryState } from '../../../../shared/core/memory-state.ts';
import { isErased, type Event } from '../../../../shared/core/types.ts';
import { EVERY_COMMAND, newSimulation, play, snapshot, steps, type Simulation, type Step } from './simulation.ts';

/** Every run takes another seed; FC_SEED repeats one. */
const seed = Number(process.env['FC_SEED'] ?? randomInt(2 ** 31));
const RUNS = 300;
console.log(`property tests of the core: FC_SEED=${seed} repeats this run`);

function forAnySequence(check: (sequence: readonly Step[]) => void): void {
  fc.assert(fc.property(steps, check), { seed, numRuns: RUNS, examples: [[[...EVERY_COMMAND]]] });
}

function played(sequence: readonly Step[], afterEach?: (simulation: Simulation) => void): Simulation {
  const simulation = newSimulation();
  for (const step of sequence) {
    play(simulation, step);
    afterEach?.(simulation);
  }
  return simulation;
}

function reactionKey({ messageSeq, emoji, userId }: { messageSeq: number; emoji: string; userId: string }): string {
  return `${messageSeq} ${emoji} ${userId}`;
}

function replayed(events: readonly Event[]): MemoryState {
  const state = new MemoryState();
  for (const event of events) apply(state, event);
  return state;
}

describe('any sequence of commands by several actors', () => {
  it('gives seqs without a gap from 1, and a clock that rises also when time goes back', () => {
    forAnySequence((sequence) => {
      const { whole, state } = played(sequence);
      whole.forEach((event, index) => {
        expect(event.seq).toBe(index + 1);
        expect(BigInt(event.clock)).toBeGreaterThan(BigInt(whole[index - 1]?.clock ?? '0'));
      });
      expect([state.head(), state.clock()]).toEqual([whole.length, whole.at(-1)?.clock ?? '0']);
    });
  });

  it('leaves a session that is not deleted with an owner', () => {
    forAnySequence((sequence) => {
      played(sequence, ({ state }) => {
        const status = state.session()?.status;
        if (status === 'active' || status === 'archived') expect(state.activeOwners()).toBeGreaterThanOrEqual(1);
      });
    });
  });

  it('gives ordinals 1, 2, … in the order of the messages, and no id twice', () => {
    forAnySequence((sequence) => {
      const created = played(sequence).whole.filter((event) => event.type === 'message.created');
      expect(created.map(({ data }) => data.ordinal)).toEqual(created.map((_, index) => index + 1));
      expect(new Set(created.map(({ subject }) => subject)).size).toBe(created.length);
    });
  });

  it('ends the same each time, and deciding changes nothing', () => {
    forAnySequence((sequence) => {
      const a = newSimulation();
      const b = newSimulation();
      for (const step of sequence) {
        const before = snapshot(b.state);
        const context = { sessionId: 's', actor: step.actor, nowMs: step.nowMs, newId: () => `made-${b.ids + 1}` };
        const decision = decide(b.state, step.command, context);
        expect(snapshot(b.state), 'decide is pure').toEqual(before);
        expect(play(a, step)).toEqual(decision);
        expect(play(b, step)).toEqual(decision);
        expect(snapshot(a.state)).toEqual(snapshot(b.state));
      }
    });
  });

  it('is changed by nothing but what was accepted', () => {
    forAnySequence((sequence) => {
      const simulation = newSimulation();
      for (const step of sequence) {
        const before = snapshot(simulation.state);
        const { kind } = play(simulation, step);
        if (kind === 'accepted') expect(simulation.state.head()).toBe((before as { head: number }).head + 1);
        else expect(snapshot(simulation.state)).toEqual(before);
      }
    });
  });

  it('is given back by replaying its log, from any point on', () => {
    fc.assert(
      fc.property(steps, fc.nat(), (sequence, cut) => {
        const { whole, state } = played(sequence);
        expect(snapshot(replayed(whole))).toEqual(snapshot(state));
        const half = replayed(whole.slice(0, cut % (whole.length + 1)));
        for (const event of whole.slice(half.head())) apply(half, event);
        expect(snapshot(half)).toEqual(snapshot(state));
      }),
      { seed, numRuns: RUNS, examples: [[[...EVERY_COMMAND], 20]] },
    );
  });

  it('is given back by its log after erasures, but for the rows of what was erased', () => {
    forAnySequence((sequence) => {
      const { log, state } = played(sequence);
      if (state.session()?.status === 'deleted') return;
      const again = replayed(log);
      expect([again.session(), again.head(), again.clock(), again.activeOwners()]).toEqual([
        state.session(),
        state.head(),
        state.clock(),
        state.activeOwners(),
      ]);
      expect([...again.messages.values()]).toEqual(
        [...state.messages.values()].filter(({ deletedAt }) => deletedAt === undefined),
      );
      expect([...again.traces.values()]).toEqual([...state.traces.values()].filter(({ purgedAt }) => purgedAt === undefined));
      expect([again.reactions, again.spans]).toEqual([state.reactions, state.spans]);
    });
  });

  it('never shows again what was erased', () => {
    forAnySequence((sequence) => {
      const erasedBefore = new Set<number>();
      const { whole, log } = played(sequence, ({ state }) => {
        for (const seq of erasedBefore) expect(state.erased.has(seq)).toBe(true);
        for (const seq of state.erased) erasedBefore.add(seq);
      });
      const subjectsOf = (erasing: string) => new Set(whole.filter(({ type }) => type === erasing).map(({ subject }) => subject));
      const deleted = subjectsOf('message.deleted');
      const purged = subjectsOf('trace.purged');
      const gone = whole.some(({ type }) => type === 'session.deleted');
      log.forEach((event, index) => {
        const ofMessage = event.type === 'message.created' || event.type === 'message.updated';
        const ofTrace = event.type === 'trace.started' || event.type === 'trace.span' || event.type === 'trace.finished';
        const covered = (ofMessage && deleted.has(event.subject)) || (ofTrace && purged.has(event.subject));
        const erased = (gone && event.type !== 'session.deleted') || covered;
        expect(isErased(event)).toBe(erased);
        if (erased) expect(event).toEqual({ ...whole[index], data: { id: event.subject, erased: true } });
        else expect(event).toEqual(whole[index]);
      });
      // the texts of the covered events occur nowhere in what is left
      const texts = whole.flatMap((event, index) => {
        const erasedNow = log[index] !== undefined && isErased(log[index]);
        return erasedNow ? (JSON.stringify(event.data).match(/secret-\d+!/g) ?? []) : [];
      });
      // another event may say the same in its own right, a description say
      const alive = JSON.stringify(whole.filter((_event, index) => log[index] !== undefined && !isErased(log[index])));
      const left = JSON.stringify(log);
      for (const text of texts) if (!alive.includes(text)) expect(left).not.toContain(text);
    });
  });

  it('keeps reactions as a set, of messages that are not deleted', () => {
    forAnySequence((sequence) => {
      const set = new Set<string>();
      played(sequence, ({ state, whole }) => {
        const last = whole.at(-1);
        if (last?.type === 'reaction.added') set.add(reactionKey(last.data));
        if (last?.type === 'reaction.removed') set.delete(reactionKey(last.data));
        if (last?.type === 'message.deleted')
          for (const each of set) if (each.startsWith(`${last.data.messageSeq} `)) set.delete(each);
        if (last?.type === 'session.deleted') set.clear();
        const kept = [...state.reactions.values()].flatMap((each) => [...each.values()].map(reactionKey));
        expect(kept.toSorted()).toEqual([...set].toSorted());
      });
    });
  });

  it('reaches every command, accepted and refused: or these properties would say little', () => {
    const seen = new Set<string>();
    forAnySequence((sequence) => {
      const simulation = newSimulation();
      for (const step of sequence) seen.add(`${step.command.name} ${play(simulation, step).kind}`);
    });
    for (const name of COMMAND_NAMES) {
      expect([...seen]).toContain(`${name} refused`);
      expect(seen.has(`${name} accepted`) || seen.has(`${name} noted`), name).toBe(true);
    }
  });
});
