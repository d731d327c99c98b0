import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Settings } from './settings.ts';

/** messages above it are refused by the server; the largest event is half of it */
const NATS_PAYLOAD_BYTES_MAX = 1024 * 1024;
/** how much a power cut may lose at the server; the edge's outbox still has what was not receipted */
const NATS_SYNC_INTERVAL = '1s';

/** what streams may reserve; by default it is what the disk has free, and on a small disk no stream could be made */
const NATS_STORE_BYTES_MAX = 64 * 1024 * 1024 * 1024;

/** Writes the server's configuration into the data directory and answers its path. Everything listens on loopback only. */
export function writeNatsConfig({ dataDir, ports }: Settings): string {
  const file = join(dataDir, 'run', 'nats.conf');
  mkdirSync(join(dataDir, 'run'), { recursive: true });
  const lines = [
    'server_name: millrace',
    'host: "127.0.0.1"',
    `port: ${ports.nats}`,
    `http: "127.0.0.1:${ports.natsMonitor}"`,
    `max_payload: ${NATS_PAYLOAD_BYTES_MAX}`,
    `jetstream { store_dir: ${JSON.stringify(join(dataDir, 'nats'))}, max_file: ${NATS_STORE_BYTES_MAX}, sync_interval: "${NATS_SYNC_INTERVAL}" }`,
    `websocket { host: "127.0.0.1", port: ${ports.natsWebSocket}, no_tls: true }`,
  ];
  writeFileSync(file, `${lines.join('\n')}\n`);
  return file;
}
