import type { Connection, Endpoint } from './connection.ts';
import type { Control, Dialect } from './dialect.ts';

/**
 * Engine.IO 4 and Socket.IO 5 over the WebSocket transport alone: what their client does, without its parsing of each event
 * (https://socket.io/docs/v4/engine-io-protocol/, https://socket.io/docs/v4/socket-io-protocol/).
 */
export function socketIoDialect(url: string, room: string): Dialect {
  const { hostname, port } = new URL(url);
  const path = `/socket.io/?EIO=4&transport=websocket&room=${encodeURIComponent(room)}`;
  const endpoint: Endpoint = { host: hostname, port: Number(port), path };
  return {
    prepare: async () => {},
    endpoint: async () => endpoint,
    readyAtOpen: false,
    // an event packet (4, 2) with the acknowledgement id that asks for an answer
    send: (number, text) => `42${number}${JSON.stringify(['send', text])}`,
    control: takeControl,
  };
}

function takeControl(connection: Connection, payload: Buffer): Control {
  const packet = payload.toString('latin1');
  // Engine.IO's open: ask for the default namespace
  if (packet.startsWith('0')) connection.send('40');
  // Engine.IO's ping
  else if (packet === '2') connection.send('3');
  else if (packet.startsWith('40')) return { ready: true };
  else if (packet.startsWith('43')) return { acked: Number.parseInt(packet.slice(2), 10) };
  else throw new Error(`Socket.IO said ${packet.slice(0, 200)}`);
  return undefined;
}
