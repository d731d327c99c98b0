import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { convertV4MiniflareOptions, Miniflare } from 'miniflare';
import { serve } from './announce.ts';

/** partyserver's rooms in miniflare, the same that runs Millrace's edge: `party.ts {bundle} {compatibility date}`. */
serve(async () => {
  const [, , bundle = '', compatibilityDate = ''] = process.argv;
  const storage = await mkdtemp(join(tmpdir(), 'millrace-bench-party-'));
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      host: '127.0.0.1',
      port: 0,
      // as contents: workerd takes no file above the folder it runs in
      modules: [{ type: 'ESModule', path: 'party-room.mjs', contents: await readFile(bundle, 'utf8') }],
      compatibilityDate,
      compatibilityFlags: ['nodejs_compat'],
      durableObjects: {
        Room: { className: 'Room', useSQLite: true },
        LoggedRoom: { className: 'LoggedRoom', useSQLite: true },
        AwakeRoom: { className: 'AwakeRoom', useSQLite: true },
      },
      durableObjectsPersist: storage,
    }),
  );
  const stop = async (): Promise<void> => {
    await miniflare.dispose();
    await rm(storage, { recursive: true, force: true });
  };
  try {
    const url = await miniflare.ready;
    const pids = { edge: [process.pid], all: [process.pid] };
    return { announcement: { url: url.origin, pids, detail: 'miniflare, storage on disk' }, stop };
  } catch (error) {
    await stop();
    throw error;
  }
});
