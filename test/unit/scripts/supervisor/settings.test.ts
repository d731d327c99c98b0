import { describe, expect, test } from 'vitest';
import { readSettings, SettingsError } from '../../../../scripts/supervisor/settings.ts';

const ROOT = '/somewhere';

describe('settings of a local run', () => {
  test('defaults are those of the contract', () => {
    const settings = readSettings({}, ROOT);
    expect(settings.ports).toEqual({ edge: 8787, nats: 4222, natsWebSocket: 8223, natsMonitor: 8222, metrics: 9464 });
    expect(settings.dataDir).toBe('/somewhere/.millrace');
    expect(settings.publicUrl).toBe('http://localhost:8787');
    expect(settings.externalNats).toBeUndefined();
  });

  test('an empty variable counts as unset', () => {
    expect(readSettings({ PORT: '', JWT_SECRET: '', DATA_DIR: '' }, ROOT).ports.edge).toBe(8787);
  });

  test('limits and identity go to the edge as they came, store addresses to the consumers', () => {
    const settings = readSettings(
      { LIMIT_COMMANDS_PER_S: '7', JWT_ISSUER: 'me', CASSANDRA_KEYSPACE: 'k', LIMIT_EMBEDDED_MESSAGES: '9' },
      ROOT,
    );
    expect(settings.edgeVariables).toEqual({ LIMIT_COMMANDS_PER_S: '7', JWT_ISSUER: 'me', LIMIT_EMBEDDED_MESSAGES: '9' });
    expect(settings.consumerVariables).toEqual({ CASSANDRA_KEYSPACE: 'k' });
  });

  test('what OpenTelemetry is told goes to both, and is looked at before anything starts', () => {
    const otel = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:4318', OTEL_TRACES_SAMPLER: 'traceidratio' };
    const settings = readSettings({ ...otel, OTEL_SOMETHING: 'else' }, ROOT);
    expect(settings.edgeVariables).toEqual(otel);
    expect(settings.consumerVariables).toEqual(otel);
    expect(() => readSettings({ ...otel, OTEL_TRACES_SAMPLER_ARG: '7' }, ROOT)).toThrow(SettingsError);
  });

  test('what the streams may hold goes to the consumers, who make them', () => {
    const streams = { EVENTS_MAX_BYTES: '1000000', DEAD_LETTERS_MAX_BYTES: '2000000', EVENTS_REPLICAS: '3' };
    expect(readSettings(streams, ROOT).consumerVariables).toEqual(streams);
  });

  test('a NATS that runs elsewhere is taken when both of its addresses are given', () => {
    const settings = readSettings({ NATS_URL: 'nats://a:4222,nats://b:4222', NATS_WS_URL: 'wss://a:443' }, ROOT);
    expect(settings.externalNats).toEqual({ url: 'nats://a:4222,nats://b:4222', webSocketUrl: 'wss://a:443' });
  });

  test.each([
    [{ PORT: '0' }, /^PORT must be a port/],
    [{ PORT: '80.5' }, /^PORT must be a port/],
    [{ NATS_PORT: '70000' }, /^NATS_PORT must be a port/],
    [{ PORT: '5000', NATS_PORT: '5000' }, /NATS_PORT and PORT are both 5000/],
    [{ JWT_SECRET: 'short' }, /^JWT_SECRET must have at least 32 bytes/],
    [{ INTERNAL_SECRET: 'short' }, /^INTERNAL_SECRET must have at least 32 bytes/],
    [{ ALLOWED_ORIGINS: 'https://a.example/path' }, /^ALLOWED_ORIGINS must be exact origins/],
    [{ UPLINKS: '0' }, /^UPLINKS must be/],
    [{ EVENTS_MAX_BYTES: '10GB' }, /^EVENTS_MAX_BYTES must be a whole number/],
    [{ DEAD_LETTERS_MAX_BYTES: '0' }, /^DEAD_LETTERS_MAX_BYTES must be a whole number/],
    [{ EVENTS_REPLICAS: '1.5' }, /^EVENTS_REPLICAS must be a whole number/],
    [{ LIMIT_FRAMES_BURST: 'many' }, /^LIMIT_FRAMES_BURST must be/],
    [{ PUBLIC_URL: 'example.com' }, /^PUBLIC_URL must be an address/],
    [{ NATS_URL: 'nats://a:4222' }, /NATS_URL and NATS_WS_URL together/],
  ])('%o is refused in one line that names it', (environment, message) => {
    const read = (): unknown => readSettings(environment, ROOT);
    expect(read).toThrow(SettingsError);
    expect(read).toThrow(message);
  });
});
