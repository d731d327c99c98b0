import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { findNatsServer } from '../../scripts/launch/nats.mjs';
import { makeToken } from '../../scripts/supervisor/make-token.ts';
import { identify } from '../../scripts/supervisor/process-identity.ts';
import { until, User } from '../support/client.ts';
import { launch, type Launched, pathOf, startEnvironment, type StartEnvironment } from '../support/launch.ts';
import { requireOrSkip } from '../support/requirement.ts';
import { openSearchMissing } from '../support/shared-opensearch.ts';
import { natsServerMissing } from '../support/stack.ts';

const JWT_SECRET = 'a secret of this test alone, long enough';

requireOrSkip('nats-server and OpenSearch', natsServerMissing() ?? (await openSearchMissing()))(
  'npm start -- --with opensearch',
  () => {
    const running: Launched[] = [];
    const directories: string[] = [];

    afterEach(async () => {
      for (const one of running.splice(0)) await one.stop();
      for (const directory of directories.splice(0)) rmSync(directory, { recursive: true, force: true });
    });

    async function environment(more: Record<string, string> = {}): Promise<StartEnvironment> {
      const made = await startEnvironment();
      directories.push(made.dataDir);
      // whoever OpenSearch runs as comes through here
      chmodSync(made.dataDir, 0o755);
      Object.assign(made.env, { NATS_SERVER_BIN: findNatsServer() ?? '', JWT_SECRET, ...more });
      return made;
    }

    function start(env: Record<string, string>): Launched {
      const launched = launch(['start', '--with', 'opensearch'], env);
      running.push(launched);
      return launched;
    }

    test('starts a node, keeps the index there over a restart, and stops it', { timeout: 240_000 }, async () => {
      const { env } = await environment();
      const findsIt = async (url: string): Promise<void> => {
        const token = await makeToken('alice', {}, { secret: JWT_SECRET, environment: {} });
        const alice = new User(url, token);
        await until(
          'it is found',
          async () => {
            const reply = await alice.http.request('GET', '/v1/search?q=waterwheel');
            return reply.status === 200 && (reply.body as { total: number }).total === 1;
          },
          90_000,
        );
        await alice.close();
      };
      for (const round of [1, 2]) {
        const launched = start(env);
        const ready = JSON.parse((await launched.line(/^ready \{/, 120_000)).slice('ready '.length)) as {
          url: string;
          opensearch: string;
          pids: Record<string, number>;
        };
        if (round === 1) {
          const alice = new User(ready.url, await makeToken('alice', {}, { secret: JWT_SECRET, environment: {} }));
          await alice.create({ id: 'mill', title: 'The mill' });
          await alice.send('mill', 'The waterwheel turns');
          await alice.close();
        }
        await findsIt(ready.url);
        const indices = (await (await fetch(`${ready.opensearch}/_alias/millrace-messages`)).json()) as object;
        expect(Object.keys(indices)).toEqual(['millrace-messages-000001']);
        expect(await launched.stop()).toBe(0);
        for (const pid of Object.values(ready.pids)) expect(identify(pid)).toBeUndefined();
      }
    });

    test('says in one line what is missing', { timeout: 60_000 }, async () => {
      const tools = mkdtempSync(join(tmpdir(), 'millrace-tools-'));
      directories.push(tools);
      const { env } = await environment({ MILLRACE_TOOLS_DIR: tools, PATH: pathOf(['node', 'npm', 'java', 'setpriv']) });
      const launched = start(env);
      expect(await launched.exit(60_000)).toBe(1);
      expect(launched.lines.at(-1)).toMatch(
        /^millrace: no Docker engine answers, and OpenSearch [\d.]+ is fetched by Maven, which is not on PATH: install Maven, or give SEARCH_URL$/,
      );
    });
  },
);
