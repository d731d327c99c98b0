import { describe, expect, test } from 'vitest';
import { knownLetters } from '../../../consumers/query/letters.ts';
import type { KeptLetter } from '../../../consumers/runtime/letters.ts';

/** Letters of one consumer, of which some are brought to an end, in a stream that can be made anew. */
class World {
  letters: KeptLetter[] = [];
  created = 'one';
  nowMs = 0;
  msPerRead = 0;
  reads = 0;
  readonly of = knownLetters({
    letters: {
      next: async (consumer, from) => {
        if (consumer !== 'history') throw new Error(`letters of ${consumer}`);
        this.reads += 1;
        this.nowMs += this.msPerRead;
        return await Promise.resolve(this.letters.find(({ position }) => position >= from));
      },
    },
    created: async () => await Promise.resolve(this.created),
    consumer: 'history',
    now: () => this.nowMs,
  });

  bury(id: string): void {
    const headers = [
      ['Millrace-Original-Nats-Msg-Id', id],
      ['Millrace-Reason', 'invalid_event'],
    ] as const;
    this.letters.push({ position: (this.letters.at(-1)?.position ?? 0) + 1, atMs: 7, headers, data: new Uint8Array() });
  }

  async ids(...ids: string[]): Promise<string[]> {
    return [...(await this.of(new Set(ids))).keys()];
  }
}

describe('which events are dead letters', () => {
  test('without letters nothing is, for one read', async () => {
    const world = new World();
    expect(await world.ids('e1')).toEqual([]);
    expect(world.reads).toBe(1);
  });

  test('a letter is found by its event, with what a client may know of it, and read once', async () => {
    const world = new World();
    for (const id of ['e1', 'e2', 'e3']) world.bury(id);
    expect((await world.of(new Set(['e2', 'e9']))).get('e2')).toEqual({
      code: 'invalid_event',
      detail: 'The event does not match its schema.',
      consumer: 'history',
      at: 7,
    });
    const { reads } = world;
    world.bury('e4');
    expect(await world.ids('e4')).toEqual(['e4']);
    expect(world.reads).toBe(reads + 3);
  });

  test('one that was brought to an end is none any more', async () => {
    const world = new World();
    world.bury('e1');
    world.bury('e2');
    expect(await world.ids('e1', 'e2')).toEqual(['e1', 'e2']);
    world.letters = world.letters.filter(({ position }) => position !== 1);
    expect(await world.ids('e1', 'e2')).toEqual(['e2']);
  });

  test('a stream made anew is read from its start', async () => {
    const world = new World();
    world.bury('e1');
    world.bury('e2');
    expect(await world.ids('e1')).toEqual(['e1']);
    world.letters = [];
    world.created = 'two';
    world.bury('e3');
    expect(await world.ids('e1', 'e3')).toEqual(['e3']);
  });

  test('more than can be read in time is not "none": the question fails, and the next goes on', async () => {
    const world = new World();
    for (let letter = 1; letter <= 20; letter += 1) world.bury(`e${letter}`);
    world.msPerRead = 60;
    await expect(world.ids('e20')).rejects.toThrow('more dead letters than could be read in time');
    await expect(world.ids('e20')).rejects.toThrow('more dead letters');
    expect(await world.ids('e20')).toEqual(['e20']);
  });

  test('two who ask at once read once', async () => {
    const world = new World();
    world.bury('e1');
    expect(await Promise.all([world.ids('e1'), world.ids('e1')])).toEqual([['e1'], ['e1']]);
    expect(world.reads).toBe(4);
  });
});
