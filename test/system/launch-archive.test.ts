import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { findNatsServer } from '../../scripts/launch/nats.mjs';
import { launch, type Launched, pathOf, startEnvironment } from '../support/launch.ts';
import { type ReleaseServer, serveRelease } from '../support/releases.ts';
import { requireOrSkip } from '../support/requirement.ts';
import { natsServerMissing } from '../support/stack.ts';

requireOrSkip('nats-server', natsServerMissing())(
  'nats-server from the release archive, with only node, npm, git and sh on PATH',
  () => {
    let releases: ReleaseServer | undefined;
    let launched: Launched | undefined;
    const directories: string[] = [];

    afterEach(async () => {
      await launched?.stop();
      await releases?.close();
      for (const directory of directories.splice(0)) rmSync(directory, { recursive: true, force: true });
    });

    async function reduced(): Promise<{ env: Record<string, string>; tools: string }> {
      const tools = mkdtempSync(join(tmpdir(), 'millrace-tools-'));
      const path = pathOf(['node', 'npm', 'git', 'sh']);
      const start = await startEnvironment();
      directories.push(tools, path, start.dataDir);
      return {
        tools,
        env: { ...start.env, PATH: path, MILLRACE_TOOLS_DIR: tools, MILLRACE_NATS_RELEASES_URL: releases?.url ?? '' },
      };
    }

    function executable(): Uint8Array {
      return readFileSync(findNatsServer() ?? '');
    }

    test('it is fetched, checked against the published sum, and the system gets ready', async () => {
      releases = await serveRelease(executable());
      const { env, tools } = await reduced();
      launched = launch(['start'], env);
      await launched.line(/^millrace: nats-server \S+ fetched by release archive/);
      const ready = await launched.line(/^ready \{/, 120_000);
      const { url } = JSON.parse(ready.slice('ready '.length)) as { url: string };
      expect((await fetch(`${url}/healthz`)).status).toBe(200);
      expect(launched.lines.join('\n')).toContain(tools);
      expect(await launched.stop()).toBe(0);

      // The second start finds it in the cache.
      const asked = releases.requests.length;
      launched = launch(['start'], env);
      await launched.line(/^ready \{/, 120_000);
      expect(releases.requests.length).toBe(asked);
    });

    test('an archive whose sum is another is refused, in one line that says what to do', async () => {
      releases = await serveRelease(executable(), { tampered: true });
      launched = launch(['start'], (await reduced()).env);
      expect(await launched.exit()).toBe(1);
      expect(launched.lines.some((line) => /refused nats-server-v\S+: its SHA-256 is not the published one/.test(line))).toBe(
        true,
      );
      expect(launched.lines.at(-1)).toMatch(/nats-server could not be had .*install it .* or set NATS_SERVER_BIN$/);
    });
  },
);
