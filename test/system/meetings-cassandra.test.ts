import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import cassandra from 'cassandra-driver';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { migrateCassandra } from '../../consumers/stores/history/cassandra-migrate.ts';
import { until } from '../support/client.ts';
import { generateMeetings } from '../support/meetings.ts';
import { type Replay, replay } from '../support/replay-process.ts';
import { requireOrSkip } from '../support/requirement.ts';
import { cassandraMissing, sharedCassandra, type SharedCassandra } from '../support/shared-cassandra.ts';
import { natsServerMissing, startStack, type Stack } from '../support/stack.ts';
import { generateTranscripts } from '../support/transcripts.ts';

const SEED = 20260108;
const KEYSPACE = 'meetings';
/** microseconds of the year 2100: wins over whatever the history writes */
const PLANTED_CLOCK = 4_102_444_800_000_000n;

const counts = z.object({
  events: z.int(),
  messages: z.int(),
  members: z.int(),
  sessions: z.int(),
  missing: z.int(),
  extra: z.int(),
  different: z.int(),
});
const result = z.looseObject({
  ok: z.boolean(),
  totals: z.looseObject({ sent: z.int(), accepted: z.int(), clean: z.int(), differences: z.int(), stored: counts }),
  sessions: z.array(
    z.looseObject({ differences: z.array(z.unknown()), stored: z.looseObject({ differences: z.array(z.string()) }) }),
  ),
});

requireOrSkip('nats-server and Cassandra', natsServerMissing() ?? (await cassandraMissing()))(
  'npm run replay -- --verify-cassandra',
  () => {
    let node: SharedCassandra;
    let stack: Stack;
    let folder: string;

    beforeAll(async () => {
      node = await sharedCassandra();
      folder = await mkdtemp(join(tmpdir(), 'millrace-meetings-'));
      await migrateCassandra(node.settings(KEYSPACE), () => {});
      stack = await startStack({ env: node.variables(KEYSPACE) });
    });
    afterAll(async () => {
      await stack?.stop();
      await rm(folder, { recursive: true, force: true });
    });

    async function fileOf(name: string, transcripts: readonly object[]): Promise<string> {
      const file = join(folder, name);
      await writeFile(file, transcripts.map((each) => JSON.stringify(each)).join('\n'));
      return file;
    }

    function run(args: readonly string[], env = node.variables(KEYSPACE)) {
      return replay(['--url', stack.url, '--verify-cassandra', ...args], stack.dataDir, env);
    }

    /** Rejects with what it said should it end before it was meant to. */
    async function refused(played: Replay): Promise<never> {
      throw new Error((await played.ended).stderr);
    }

    test('eight meetings lie in Cassandra as everyone saw them, while nats-server and the consumers are killed', async () => {
      const meetings = generateMeetings(SEED);
      const sent = meetings.reduce((sum, { messages }) => sum + messages.length, 0);
      const speakers = meetings.reduce((sum, { messages }) => sum + new Set(messages.map(([, nick]) => nick)).size, 0);
      const played = run([await fileOf('meetings.jsonl', meetings), '--rate', '80', '--json']);
      await Promise.race([until('replay has begun', () => played.played() > 0), refused(played)]);
      for (const part of ['consumers', 'nats', 'consumers'] as const) {
        const before = played.played();
        const { [part]: pid } = stack.pids();
        stack.kill(part, 'SIGKILL');
        await until(
          `${part} runs again and replay went on`,
          () => played.played() > before && ![undefined, pid].includes(stack.pids()[part]),
        );
      }
      const { code, stdout, stderr } = await played.ended;
      const { ok, totals, sessions } = result.parse(JSON.parse(stdout));
      expect(sessions.flatMap(({ differences, stored }) => [...differences, ...stored.differences])).toEqual([]);
      expect({ code, ok }, stderr).toEqual({ code: 0, ok: true });
      expect(totals).toMatchObject({
        sent,
        accepted: sent,
        clean: 8,
        differences: 0,
        stored: { events: sent + 8, messages: sent, members: speakers, sessions: 8, missing: 0, extra: 0, different: 0 },
      });
      expect(stack.said.filter((line) => /died/.test(line))).toHaveLength(3);
    });

    test('what is missing, extra or different in a table is named, and the exit code is 1', async () => {
      const client = new cassandra.Client({
        contactPoints: [node.contactPoint],
        localDataCenter: 'datacenter1',
        protocolOptions: { port: node.port },
        queryOptions: { prepare: true },
        encoding: { useBigIntAsLong: true },
      });
      const [talk = { session: '', messages: [] }] = generateTranscripts(SEED, 1, 20);
      const [, speaker = ''] = talk.messages.map(([, nick]) => nick);
      const session = ['default', 'planted-talk_0'];
      // written before, with a clock that wins: as if the history had lost and mixed up what it was given
      for (const [cql, key] of [
        ['DELETE FROM meetings.events USING TIMESTAMP ? WHERE tenant = ? AND session_id = ? AND bucket = 0 AND seq = 5', []],
        [
          "UPDATE meetings.messages USING TIMESTAMP ? SET text = 'planted' WHERE tenant = ? AND session_id = ? AND bucket = 0 AND seq = 7",
          [],
        ],
        [
          "UPDATE meetings.events USING TIMESTAMP ? SET data = '{}' WHERE tenant = ? AND session_id = ? AND bucket = 1 AND seq = 1007",
          [],
        ],
        [
          "UPDATE meetings.members USING TIMESTAMP ? SET role = 'viewer' WHERE tenant = ? AND session_id = ? AND user_id = ?",
          [speaker],
        ],
        ["UPDATE meetings.sessions USING TIMESTAMP ? SET title = 'planted' WHERE tenant = ? AND session_id = ?", []],
      ] as const) {
        await client.execute(cql, [PLANTED_CLOCK, ...session, ...key]);
      }
      await client.shutdown();
      const { code, stdout, stderr } = await run([await fileOf('talk.jsonl', [talk]), '--session-prefix', 'planted-']).ended;
      expect(code, stderr).toBe(1);
      expect(stdout).toContain('NO (1 missing, 1 extra, 3 different)');
      expect(stdout).toContain('cassandra: 5 of events is not in Cassandra');
      expect(stdout).toContain('cassandra: 1007 of events is in Cassandra, and nobody was told of it');
      expect(stdout).toContain('cassandra: 7 of messages: text is "planted" instead of');
      expect(stdout).toContain(`cassandra: ${speaker} of members: role is "viewer" instead of`);
      expect(stdout).toContain('cassandra: the row of sessions: title is "planted" instead of "talk 0"');
    });

    test.each([
      [
        'no address',
        {},
        /knows no Cassandra: start the system with npm start -- --with cassandra, or set CASSANDRA_CONTACT_POINTS/,
      ],
      ['nobody there', { CASSANDRA_CONTACT_POINTS: '127.0.0.1:9' }, /cannot read 127\.0\.0\.1:9: .*no node can be reached/],
      ['no tables there', { CASSANDRA_KEYSPACE: 'nowhere' }, /history schema 0.*; does the system run --with cassandra\?$/],
    ])('with %s it says so in one line before anything is sent', async (_name, more: Record<string, string>, line) => {
      const address = 'CASSANDRA_KEYSPACE' in more ? { CASSANDRA_CONTACT_POINTS: node.contactPoint } : {};
      const { code, stderr } = await run([await fileOf('one.jsonl', generateTranscripts(SEED, 1, 2))], { ...address, ...more })
        .ended;
      expect(stderr.trim().split('\n')).toEqual([expect.stringMatching(line)]);
      expect(code).toBe(2);
    });
  },
);
