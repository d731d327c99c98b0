import type { ConsumerState, NamedPart, Overview, StoreState, StreamState } from '../../../../client/admin/index.ts';

interface Parts {
  uplinks?: NamedPart[];
  streams?: StreamState[];
  consumers?: ConsumerState[];
  stores?: StoreState[];
  deadLetters?: { consumer: string; count: number }[];
}

/** An overview of a system that is well but for what is given. */
export function anOverview({ uplinks, streams = [], consumers = [], stores = [], deadLetters = [] }: Parts): Overview {
  const ok = <T>(items: T[]): { status: 'ok'; items: T[] } => ({ status: 'ok', items });
  return {
    at: '2026-01-01T00:00:00.000Z',
    status: 'ok',
    edge: { status: 'up' },
    uplinks: uplinks ?? [{ name: '0', status: 'up' }],
    streams: ok(streams),
    consumers: ok(consumers),
    stores: ok(stores),
    roles: ok([]),
    deadLetters: ok(deadLetters),
    rebuilds: ok([]),
  };
}
