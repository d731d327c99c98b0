import { describe, expect, test } from 'vitest';
import { createPart, type Part, type PartHooks } from '../../../../scripts/supervisor/part.ts';
import { until } from '../../../support/stack.ts';

interface Watched {
  part: Part;
  said: string[];
  printed: string[];
  ended: string[];
}

function watch(script: string): Watched {
  const said: string[] = [];
  const printed: string[] = [];
  const ended: string[] = [];
  const hooks: PartHooks = {
    say: (line) => void said.push(line),
    log: (_name, line) => void printed.push(line),
    started: () => undefined,
    ended: async (name) => void ended.push(name),
  };
  const part = createPart(
    {
      name: 'edge',
      command: process.execPath,
      args: ['-e', script],
      env: { PATH: process.env['PATH'] },
      cwd: process.cwd(),
      channel: true,
    },
    hooks,
  );
  return { part, said, printed, ended };
}

describe('a supervised part', () => {
  test('is started again when it dies, each time later, and says so', async () => {
    const { part, said } = watch('process.exit(3)');
    part.start();
    await until('three deaths', () => said.length >= 3);
    await part.stop();
    expect(said.slice(0, 3)).toEqual([
      'edge died (exit code 3): starting it again in 0.25 s',
      'edge died (exit code 3): starting it again in 0.5 s',
      'edge died (exit code 3): starting it again in 1 s',
    ]);
    expect(part.pid).toBeUndefined();
  });

  test('stays away once stopped, and can be started again', async () => {
    const { part, said, printed } = watch('console.log("up"); setInterval(() => {}, 1000)');
    part.start();
    await until('it is up', () => printed.length === 1);
    await part.stop();
    expect(part.pid).toBeUndefined();
    expect(said).toEqual([]);
    part.start();
    await until('it is up again', () => printed.length === 2);
    await part.stop();
  });

  test('tells of the processes it started, which end with it', async () => {
    const { part, ended } = watch('process.send({ child: "workerd", pid: 12345 }); setInterval(() => {}, 1000)');
    part.start();
    await until('it told', () => part.offspring.get('workerd') === 12345);
    await part.stop();
    expect(ended).toEqual(['edge', 'workerd']);
    expect(part.offspring.size).toBe(0);
  });

  test('a command that does not exist is a death like any other', async () => {
    const said: string[] = [];
    const hooks: PartHooks = {
      say: (line) => void said.push(line),
      log: () => undefined,
      started: () => undefined,
      ended: async () => undefined,
    };
    const part = createPart(
      { name: 'nats', command: '/nonexistent/nats-server', args: [], env: {}, cwd: process.cwd(), channel: false },
      hooks,
    );
    part.start();
    await until('it died', () => said.length > 0);
    await part.stop();
    expect(said[0]).toMatch(/^nats died \(spawn .*ENOENT\)/);
  });
});
