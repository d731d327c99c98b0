// The built edge, with a door by which the bench has an Uplink publish: as Sessions do, over RPC, a batch at a time each.
import * as edge from './edge.js';

export const { Session, Uplink, Inbox } = edge;

const PUBLISH = '/bench/publish';

export default {
  async fetch(request, env, context) {
    const { pathname, searchParams } = new URL(request.url);
    if (pathname !== PUBLISH) return edge.default.fetch(request, env, context);
    const number = (name) => Number(searchParams.get(name));
    const [lanes, batches, items] = [number('lanes'), number('batches'), number('items')];
    const payload = JSON.stringify({ filler: 'x'.repeat(number('bytes')) });
    const run = searchParams.get('run');
    const lane = async (name) => {
      for (let batch = 0; batch < batches; batch += 1) {
        const publications = Array.from({ length: items }, (_, item) => ({
          subject: `millrace.events.default.message_created.${run}-${name}`,
          id: `${run}-${name}-${batch}-${item}`,
          payload,
        }));
        const stub = env.UPLINK.get(env.UPLINK.idFromName('uplink-bench'));
        const { acked, error } = await stub.publish(publications);
        if (acked !== items) throw new Error(`${acked} of ${items} were acknowledged: ${error}`);
      }
    };
    await Promise.all(Array.from({ length: lanes }, (_, name) => lane(name)));
    return Response.json({ events: lanes * batches * items });
  },
};
