import { beforeEach, describe, expect, it } from 'vitest';
import { RebuildDesk, type RebuildRun } from '../../../../consumers/admin/rebuild-desk.ts';
import { FeedStopped } from '../../../../consumers/runtime/archive-feed.ts';
import { RebuildRefused } from '../../../../consumers/runtime/rebuild.ts';
import { SYSTEM_TIME } from '../../../../consumers/runtime/time.ts';

const REQUEST = { v: 1, tenant: 'default', actor: 'olga', correlationId: 'k', op: 'consumers.rebuild', name: 'shelf' } as const;

let lines: string[];
let run: (name: string, run: RebuildRun) => Promise<number>;
let writeLine: () => Promise<void>;
let desk: RebuildDesk;

beforeEach(() => {
  lines = [];
  writeLine = async () => await Promise.resolve();
  run = async (_name, { begun }) => {
    await begun();
    return 0;
  };
  desk = new RebuildDesk({
    names: ['shelf', 'other'],
    run: async (name, options) => await run(name, options),
    adminLog: {
      async write(_operator, { action, target }) {
        await writeLine();
        lines.push(`${action} ${target}`);
      },
    },
    log: () => undefined,
    time: SYSTEM_TIME,
  });
});

const start = async (name = 'shelf', msMax = 60_000) => await desk.start({ ...REQUEST, name }, { untilMs: Date.now() + msMax });

/** A rebuild that has begun and goes on until told otherwise. */
function held() {
  const ended: { resolve: (events: number) => void; reject: (error: Error) => void } = { resolve: () => {}, reject: () => {} };
  let seen: RebuildRun | undefined;
  run = async (_name, options) => {
    seen = options;
    await options.begun();
    return await new Promise<number>((resolve, reject) => {
      Object.assign(ended, { resolve, reject });
      options.signal.addEventListener('abort', () => reject(new FeedStopped()));
    });
  };
  return { ended, report: (...args: Parameters<RebuildRun['report']>) => seen?.report(...args) };
}

describe('a rebuild of an operator', () => {
  it('is answered when it has begun, with a line of the log, and its progress is known until the next one', async () => {
    const { ended, report } = held();
    expect(await start()).toMatchObject({ name: 'shelf', status: 'running', phase: 'starting', events: 0 });
    expect(lines).toEqual(['consumers.rebuild shelf']);
    report({ phase: 'archive', done: 0.25, events: 7 });
    expect(desk.list()).toMatchObject([{ phase: 'archive', done: 0.25, events: 7, status: 'running' }]);
    ended.resolve(9);
    await expect.poll(() => desk.list()).toMatchObject([{ status: 'completed', done: 1, events: 9 }]);
    expect(desk.list()[0]?.endedAt).toBeDefined();
    held();
    expect(await start()).toMatchObject({ status: 'running', events: 0 });
    expect(desk.list()).toHaveLength(1);
  });

  it('is the only one of its name, and another name may go on beside it', async () => {
    held();
    await start();
    await expect(start()).rejects.toMatchObject({ refusal: { code: 'conflict' } });
    expect(lines).toHaveLength(1);
    await start('other');
    expect(desk.list()).toHaveLength(2);
  });

  it('that runs elsewhere is a conflict, and leaves no line and no trace', async () => {
    run = async () => await Promise.reject(new RebuildRefused('shelf is being rebuilt already'));
    await expect(start()).rejects.toMatchObject({
      refusal: { code: 'conflict', detail: 'shelf is being rebuilt already.' },
    });
    expect([lines, desk.list()]).toEqual([[], []]);
    held();
    expect(await start()).toMatchObject({ status: 'running' });
  });

  it('without a line of the log changes nothing', async () => {
    writeLine = async () => await Promise.reject(new Error('the log is full'));
    await expect(start()).rejects.toThrow('the log is full');
    expect(desk.list()).toEqual([]);
  });

  it('that takes long to begin is answered as one that is starting; should it not begin, that is seen', async () => {
    let refuse = (_error: Error): void => undefined;
    run = async () => await new Promise((_resolve, reject) => (refuse = reject));
    expect(await start('shelf', 0)).toMatchObject({ status: 'running', phase: 'starting' });
    refuse(new RebuildRefused('there is no archive to rebuild from'));
    await expect.poll(() => desk.list()).toMatchObject([{ status: 'failed', detail: 'there is no archive to rebuild from' }]);
  });

  it('that fails says so, and of what failed nothing that is ours', async () => {
    const { ended } = held();
    await start();
    ended.reject(new Error('secret host'));
    await expect.poll(() => desk.list()).toMatchObject([{ status: 'failed' }]);
    expect(JSON.stringify(desk.list())).not.toContain('secret');
  });

  it('that fails behind the swap does not say that the old one serves', async () => {
    const { ended, report } = held();
    await start();
    report({ phase: 'clear', done: 0.5, events: 7 });
    ended.reject(new Error('the process of the rebuild ended without a word'));
    const detail = expect.stringContaining('the new one serves') as string;
    await expect.poll(() => desk.list()).toMatchObject([{ status: 'failed', phase: 'clear', detail }]);
  });

  it('of what keeps nothing is refused', async () => {
    await expect(start('relay')).rejects.toMatchObject({ refusal: { code: 'conflict' } });
  });

  it('ends with its process, and no other begins', async () => {
    held();
    await start();
    await desk.stop();
    expect(desk.list()).toMatchObject([{ status: 'cancelled' }]);
    await expect(start()).rejects.toMatchObject({ refusal: { code: 'unavailable' } });
  });
});
