import type { Job } from './load/job.ts';
import type { Peers } from './peers.ts';
import { startServer, type RunningServer } from './processes.ts';

export const CONTESTANT_NAMES = [
  'Millrace',
  'one event per frame',
  'Socket.IO',
  'Socket.IO + recovery',
  'partyserver',
  'partyserver + SQLite',
  'partyserver awake',
] as const;
export type ContestantName = (typeof CONTESTANT_NAMES)[number];

export interface Contestant {
  name: ContestantName;
  /** how the load generator speaks to it */
  speaks: Pick<Job, 'contestant' | 'party'>;
  server: RunningServer;
}

export interface StartOptions {
  edgeOnly: boolean;
  compatibilityDate: string;
}

const SPEAKS: Record<ContestantName, Contestant['speaks']> = {
  Millrace: { contestant: 'millrace' },
  'one event per frame': { contestant: 'millrace' },
  'Socket.IO': { contestant: 'socket.io' },
  'Socket.IO + recovery': { contestant: 'socket.io' },
  partyserver: { contestant: 'partyserver', party: 'room' },
  'partyserver + SQLite': { contestant: 'partyserver', party: 'logged-room' },
  'partyserver awake': { contestant: 'partyserver', party: 'awake-room' },
};

/** Starts the contestants' servers; the partyserver rooms share one, as they are never measured at once. */
export async function startContestants(
  names: readonly ContestantName[],
  peers: Peers,
  options: StartOptions,
): Promise<Contestant[]> {
  const servers = new Map<string, RunningServer>();
  try {
    const contestants: Contestant[] = [];
    for (const name of names) {
      const [script, args] = serverOf(name, peers, options);
      const key = [script, ...args].join(' ');
      const server = servers.get(key) ?? (await startServer(script, args));
      servers.set(key, server);
      contestants.push({ name, speaks: SPEAKS[name], server });
    }
    return contestants;
  } catch (error) {
    await Promise.all([...servers.values()].map((each) => each.stop()));
    throw error;
  }
}

function serverOf(name: ContestantName, peers: Peers, options: StartOptions): [script: string, args: string[]] {
  const edgeOnly = options.edgeOnly ? ['--edge-only'] : [];
  switch (name) {
    case 'Millrace':
      return ['servers/millrace.ts', edgeOnly];
    case 'one event per frame':
      return ['servers/millrace.ts', [...edgeOnly, '--one-event-per-frame']];
    case 'Socket.IO':
      return ['servers/socket-io.ts', [peers.folder]];
    case 'Socket.IO + recovery':
      return ['servers/socket-io.ts', [peers.folder, '--recovery']];
    case 'partyserver':
    case 'partyserver + SQLite':
    case 'partyserver awake':
      return ['servers/party.ts', [peers.partyBundle, options.compatibilityDate]];
  }
}
