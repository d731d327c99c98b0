import type { StreamInfo } from '@nats-io/jetstream';
import type { ServerInfo } from '@nats-io/transport-node';
import { expect, it } from 'vitest';
import { runOf } from '../../../consumers/runtime/stream-look.ts';

const stream = (cluster: StreamInfo['cluster']): StreamInfo => ({ cluster }) as StreamInfo;
const server = (more: Partial<ServerInfo>): ServerInfo => more as ServerInfo;

it('a server alone is known by the id of its run', () => {
  expect(runOf(stream({ name: '', leader: 'mill' }), server({ server_id: 'A' }))).toBe('A');
  expect(runOf(stream({ name: '', leader: 'mill' }), server({ server_id: 'B' }))).toBe('B');
});

it('in a cluster all workers say the same, whichever server they have, until another leader is elected', () => {
  const cluster = { name: 'c', leader: 'n1', leader_since: '2026-01-01T00:00:00Z' };
  const said = ['A', 'B'].map((id) => runOf(stream(cluster), server({ server_id: id, cluster: 'c' })));
  expect(said[0]).toBe(said[1]);
  const later = { ...cluster, leader_since: '2026-01-01T00:01:00Z' };
  expect(runOf(stream(later), server({ server_id: 'A', cluster: 'c' }))).not.toBe(said[0]);
});
