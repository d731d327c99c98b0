import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import { gzipSync } from 'node:zlib';
import { NATS_SERVER_VERSION } from '../../scripts/versions.mjs';

/** A server that stands in for the place where nats-server's releases are published. */
export interface ReleaseServer {
  /** for MILLRACE_NATS_RELEASES_URL */
  url: string;
  /** paths asked for */
  requests: readonly string[];
  close(): Promise<void>;
}

const BLOCK_BYTES = 512;

function tarEntry(path: string, content: Uint8Array): Buffer {
  const header = Buffer.alloc(BLOCK_BYTES);
  header.write(path, 0);
  header.write('0000755\0', 100);
  header.write(`${content.length.toString(8).padStart(11, '0')}\0`, 124);
  header.write('        0ustar\u000000', 148);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  const padding = Buffer.alloc((BLOCK_BYTES - (content.length % BLOCK_BYTES)) % BLOCK_BYTES);
  return Buffer.concat([header, content, padding]);
}

/** A .tar.gz as the releases are: a folder with a text and the executable. */
export function releaseArchive(executable: Uint8Array): Buffer {
  const files = [
    tarEntry('nats-server-v0/README.md', Buffer.from('read me')),
    tarEntry('nats-server-v0/nats-server', executable),
  ];
  return gzipSync(Buffer.concat([...files, Buffer.alloc(2 * BLOCK_BYTES)]), { level: 1 });
}

/** Publishes one archive for this platform; `tampered` publishes a sum that is not its own. */
export async function serveRelease(executable: Uint8Array, { tampered = false } = {}): Promise<ReleaseServer> {
  const machine = process.arch === 'x64' ? 'amd64' : process.arch;
  const name = `nats-server-v${NATS_SERVER_VERSION}-${process.platform}-${machine}.tar.gz`;
  const archive = releaseArchive(executable);
  const sum = createHash('sha256')
    .update(archive)
    .update(tampered ? 'tampered' : '')
    .digest('hex');
  const requests: string[] = [];
  const server = createServer((request, response) => {
    const path = request.url ?? '';
    requests.push(path);
    if (path === `/v${NATS_SERVER_VERSION}/SHA256SUMS`) response.end(`${'0'.repeat(64)}  other.tar.gz\n${sum}  ${name}\n`);
    // The real place redirects to where the files are.
    else if (path === `/v${NATS_SERVER_VERSION}/${name}`) response.writeHead(302, { location: `/files/${name}` }).end();
    else if (path === `/files/${name}`) response.end(archive);
    else response.writeHead(404).end();
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return {
    url: `http://127.0.0.1:${address.port}`,
    requests,
    close: () => new Promise((closed) => void server.close(() => closed())),
  };
}
