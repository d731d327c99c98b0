import type { Job } from './load/job.ts';
import type { Peers } from './peers.ts';
import { startServer, type RunningServer } from './processes.ts';

export const CONTESTANT_NAMES = ['Millrace', 'Socket.IO', 'partyserver', 'partyserver + SQLite', 'partyserver awake'] as const;
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
  'Socket.IO': { contestant: 'socket.io' },
  partyserver: { contestant: 'partyserver', party: 'room' },
  'partyserver + SQLite': { contestant: 'partyserver', party: 'logged-room' },
  'partyserver awake': { contestant: 'partyserver', party: 'awake-room' },
};

/** Starts a server for each kind of contestant; the partyserver rooms share one, as they are never measured at once. */
export async function startContestants(names: ContestantName[], peers: Peers, options: StartOptions): Promise<Contestant[]> {
  const servers = new Map<Job['contestant'], RunningServer>();
  try {
    const contestants: Contestant[] = [];
    for (const name of names) {
      const speaks = SPEAKS[name];
      const server = servers.get(speaks.contestant) ?? (await startServer(...serverOf(speaks.contestant, peers, options)));
      servers.set(speaks.contestant, server);
      contestants.push({ name, speaks, server });
    }
    return contestants;
  } catch (error) {
    await Promise.all([...servers.values()].map((each) => each.stop()));
    throw error;
  }
}

function serverOf(contestant: Job['contestant'], peers: Peers, options: StartOptions): [script: string, args: string[]] {
  switch (contestant) {
    case 'millrace':
      return ['servers/millrace.ts', options.edgeOnly ? ['--edge-only'] : []];
    case 'socket.io':
      return ['servers/socket-io.ts', [peers.folder]];
    case 'partyserver':
      return ['servers/party.ts', [peers.partyBundle, options.compatibilityDate]];
  }
}
