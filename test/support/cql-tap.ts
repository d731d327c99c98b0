import { connect, createServer, type Socket } from 'node:net';

/** A way to a Cassandra on which every statement is looked at: what a program asks for, as the server gets it. */

/** native protocol v3 and v4, sections 2 and 2.4: the header, and what is read of it */
const HEADER_BYTES = 9;
const OPCODE_AT = 4;
const LENGTH_AT = 5;
const EXECUTE = 0x0a;
const VERSIONS = [3, 4];
/** of a product made from Cassandra, with the same header: the driver tries these first, and the server declines */
const DECLINED = [0x41, 0x42];

export interface CqlTap {
  /** `host:port` to be used as the contact point */
  contactPoint: string;
  /** consistency levels of the prepared statements that were executed, as the protocol numbers them */
  executed(): readonly number[];
  close(): void;
}

/** Level of an EXECUTE message: it follows the statement's id, which is preceded by its length. */
function levelOf(body: Buffer): number {
  return body.readUInt16BE(2 + body.readUInt16BE(0));
}

/** Calls `take` for every whole message that is in what has come so far; answers the rest. */
function messagesIn(bytes: Buffer, take: (opcode: number, body: Buffer) => void): Buffer {
  let rest = bytes;
  while (rest.length >= HEADER_BYTES) {
    const version = (rest[0] ?? 0) & 0x7f;
    if (![...VERSIONS, ...DECLINED].includes(version)) throw new Error(`the tap does not know protocol version ${version}`);
    const end = HEADER_BYTES + rest.readUInt32BE(LENGTH_AT);
    if (rest.length < end) break;
    if (VERSIONS.includes(version)) take(rest[OPCODE_AT] ?? 0, rest.subarray(HEADER_BYTES, end));
    rest = rest.subarray(end);
  }
  return rest;
}

export async function startCqlTap(port: number): Promise<CqlTap> {
  const levels: number[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const node = connect(port, '127.0.0.1');
    for (const socket of [client, node]) {
      sockets.add(socket);
      socket.on('error', () => {
        client.destroy();
        node.destroy();
      });
      socket.on('close', () => sockets.delete(socket));
    }
    let rest: Buffer = Buffer.alloc(0);
    client.on('data', (chunk: Buffer) => {
      rest = messagesIn(Buffer.concat([rest, chunk]), (opcode, body) => {
        if (opcode === EXECUTE) levels.push(levelOf(body));
      });
    });
    client.pipe(node).pipe(client);
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return {
    contactPoint: `127.0.0.1:${address.port}`,
    executed: () => levels,
    close() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}
