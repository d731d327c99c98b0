import type { Control, Dialect } from './dialect.ts';

/** The bench's partyserver room (servers/party-room.mjs); `party` is its kebab-case binding. */
export function partyDialect(url: string, room: string, party: string): Dialect {
  const { hostname, port } = new URL(url);
  return {
    prepare: async () => {},
    endpoint: async (index) => ({
      host: hostname,
      port: Number(port),
      path: `/parties/${party}/${encodeURIComponent(room)}?_pk=user-${index}`,
    }),
    readyAtOpen: true,
    send: (number, text) => JSON.stringify({ type: 'send', id: number, text }),
    control: (_connection, payload): Control => {
      const frame = JSON.parse(payload.toString()) as { type: string; id: number };
      if (frame.type !== 'ack') throw new Error(`the room said ${payload.toString().slice(0, 200)}`);
      return { acked: frame.id };
    },
  };
}
