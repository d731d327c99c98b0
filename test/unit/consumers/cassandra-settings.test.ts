import { describe, expect, it } from 'vitest';
import { cassandraSettingsFrom } from '../../../consumers/stores/history/cassandra-settings.ts';

const from = (env: Record<string, string>): ReturnType<typeof cassandraSettingsFrom> =>
  cassandraSettingsFrom({ CASSANDRA_CONTACT_POINTS: 'db-1', ...env });

describe('the settings of Cassandra', () => {
  it('are none without contact points', () => {
    expect(cassandraSettingsFrom({})).toBeUndefined();
    expect(cassandraSettingsFrom({ CASSANDRA_CONTACT_POINTS: '', CASSANDRA_KEYSPACE: 'k' })).toBeUndefined();
  });

  it('have defaults', () => {
    expect(from({})).toEqual({
      contactPoints: ['db-1:9042'],
      port: 9042,
      localDataCenter: 'datacenter1',
      keyspace: 'millrace',
      consistency: 'QUORUM',
    });
  });

  it('are taken as given', () => {
    const env = {
      CASSANDRA_CONTACT_POINTS: '10.0.0.1:9142, [::1]:9142',
      CASSANDRA_LOCAL_DC: 'east',
      CASSANDRA_KEYSPACE: 'k_1',
      CASSANDRA_USERNAME: 'me',
      CASSANDRA_PASSWORD: 'mine',
      CASSANDRA_TLS_CA: '-----BEGIN CERTIFICATE-----',
      CASSANDRA_CONSISTENCY: 'local_quorum',
      CASSANDRA_REPLICATION: '3',
    };
    expect(from(env)).toEqual({
      contactPoints: ['10.0.0.1:9142', '[::1]:9142'],
      port: 9142,
      localDataCenter: 'east',
      keyspace: 'k_1',
      username: 'me',
      password: 'mine',
      tlsCa: '-----BEGIN CERTIFICATE-----',
      consistency: 'LOCAL_QUORUM',
      replication: { east: 3 },
    });
    expect(from({ CASSANDRA_REPLICATION: 'east:3,west:2' })?.replication).toEqual({ east: 3, west: 2 });
  });

  it.each([
    ['CASSANDRA_CONTACT_POINTS', 'db-1:0'],
    ['CASSANDRA_CONTACT_POINTS', 'db-1:65536'],
    ['CASSANDRA_CONTACT_POINTS', 'cql://db-1'],
    ['CASSANDRA_CONTACT_POINTS', 'db-1:9042,db-2:9043'],
    ['CASSANDRA_KEYSPACE', 'k; DROP KEYSPACE k'],
    ['CASSANDRA_KEYSPACE', 'K'],
    ['CASSANDRA_USERNAME', 'alone'],
    ['CASSANDRA_TLS_CA', 'no/such/file.pem'],
    ['CASSANDRA_CONSISTENCY', 'ONE'],
    ['CASSANDRA_REPLICATION', '0'],
    ['CASSANDRA_REPLICATION', "east:3, 'x': 1"],
  ])('refuse, by name, %s=%s', (name, value) => {
    expect(() => from({ [name]: value })).toThrow(name);
  });
});
