import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { jetstreamManager } from '@nats-io/jetstream';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { blocksOf } from '../../scripts/readme/blocks.ts';
import { EVENTS_STREAM } from '../../shared/contract/subjects.ts';
import { eraseEvent } from '../../shared/core/event.ts';
import type { Event } from '../../shared/core/types.ts';
import { anEvent } from '../contracts/events.ts';
import { requireOrSkip } from '../support/requirement.ts';
import { natsServerMissing, until } from '../support/stack.ts';
import { numbers, Rig } from './consumers-rig.ts';

const ROOT = join(import.meta.dirname, '../..');
const PAGE = 'docs/new-read-model.md';
/** the page promises no more than this */
const LINES_MAX = 40;
/** an ack timer of the server, and some: what was in a killed worker's hand comes again */
const REDELIVERED_MS_MAX = 60_000;

/** A copy of the sources in which somebody has done what the page says. */
function followed(): { root: string; role: string; lines: number } {
  const blocks = blocksOf(PAGE, readFileSync(join(ROOT, PAGE), 'utf8'));
  const [file, line] = blocks.filter(({ language }) => language === 'ts').map(({ text }) => text);
  const [command] = blocks.filter(({ language }) => language === 'sh').map(({ text }) => text.trim());
  const [, name, path] = /^import \{ (\w+) \} from '\.\/(.+)';\n$/.exec(line ?? '') ?? [];
  const role = /^node consumers\/main\.ts --roles (\S+)$/.exec(command ?? '')?.[1];
  if (file === undefined || line === undefined || name === undefined || path === undefined || role === undefined) {
    throw new Error(`${PAGE} no longer has the blocks that this test follows`);
  }
  const root = mkdtempSync(join(tmpdir(), 'millrace-read-model-'));
  for (const folder of ['consumers', 'shared', 'package.json']) {
    cpSync(join(ROOT, folder), join(root, folder), { recursive: true, filter: (from) => !from.includes('node_modules') });
  }
  symlinkSync(join(ROOT, 'node_modules'), join(root, 'node_modules'));
  writeFileSync(join(root, 'consumers', path), file);
  const registry = join(root, 'consumers/read-models.ts');
  const before = readFileSync(registry, 'utf8');
  const after = before.replace(/(READ_MODELS: [^=]+= \[[^\]]+?),?(\s*\];)/, `$1, ${name}$2`);
  if (after === before) throw new Error('the registry no longer ends in a list');
  writeFileSync(registry, `${line}${after}`);
  return { root, role, lines: file.trim().split('\n').length };
}

function message(seq: number, text: string, sessionId = 's1'): Event {
  return anEvent('message.created', { seq, sessionId, data: { id: `m${seq}`, text } });
}

requireOrSkip('nats-server', natsServerMissing())(`the read model of ${PAGE}`, () => {
  const rig = new Rig();
  const { root, role, lines } = followed();
  const csv = (): string => {
    try {
      return readFileSync(join(rig.dataDir, 'word-counts.csv'), 'utf8');
    } catch {
      return '';
    }
  };
  beforeAll(async () => {
    await rig.prepare();
    rig.startNats();
  });
  afterAll(async () => {
    await rig.dispose();
    rmSync(root, { recursive: true, force: true });
  });

  it('is as short as it says', () => expect(lines).toBeLessThanOrEqual(LINES_MAX));

  it('counts words, each message once, in its last state, in any order', { timeout: 120_000 }, async () => {
    rig.startConsumers(role, root);
    await until('ready', () => rig.said('ready') === 1, 30_000);
    await rig.publish(anEvent('message.updated', { seq: 5, data: { id: 'm2', messageSeq: 2, text: 'now five words are here' } }));
    await rig.publish(message(2, 'two words'));
    await rig.publish(message(1, ' one\n'));
    await rig.publish(message(1, ' one\n'), true);
    await rig.publish(anEvent('message.deleted', { seq: 4, data: { id: 'm3', messageSeq: 3 } }));
    await rig.publish(message(3, 'what was deleted counts no more'));
    await rig.publish(eraseEvent(message(6, 'erased before it came')));
    await until('all are counted', () => csv() === `session,words\n${message(1, '').sessionid},6\n`, 30_000);
  });

  it('shares its work among workers, and loses none when one is killed', { timeout: 180_000 }, async () => {
    const second = rig.startConsumers(role, root);
    await until('both are ready', () => rig.said('ready') === 2, 30_000);
    const { consumers } = await jetstreamManager(await rig.nats());
    await until('both are waiting for events', async () => (await consumers.info(EVENTS_STREAM, role)).num_waiting === 2, 30_000);
    const seqs = numbers(1, 300);
    await Promise.all(seqs.map(async (seq) => await rig.publish(message(seq, 'three words each', 'shared'))));
    await rig.kill(second, 'SIGKILL');
    await until('every message is counted once', () => csv().includes(`\nshared,${seqs.length * 3}\n`), REDELIVERED_MS_MAX);
  });
});
