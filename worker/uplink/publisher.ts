import { UPLINK_CALL_MS_MAX } from '../../shared/core/limits.ts';
import type { Publisher } from '../session/ports.ts';
import type { SessionReport, UplinkApi } from './api.ts';

/** An Uplink answers within its own bound; this one only covers an Uplink that is gone. */
const CALL_MS_MAX = UPLINK_CALL_MS_MAX * 2;

/** What the shell of a Session adds to what its room says of its outbox. */
export type Aside = () => Omit<SessionReport, 'outboxEvents' | 'oldestAtMs'>;

/** The room's way to an Uplink. `stub` makes a new stub per call: after an error the old one is broken. */
export function uplinkPublisher(stub: () => UplinkApi, aside: Aside): Publisher {
  return {
    async publish(items, outbox) {
      if (outbox === undefined) return await bounded(() => stub().publish(items));
      // begun within the command that is published: it is counted once its section ended
      await Promise.resolve();
      return await bounded(() => stub().publish(items, { ...aside(), ...outbox }));
    },
    request: (subject, payload) => bounded(() => stub().request(subject, payload)),
    signal: (subject, payload) => bounded(() => stub().signal(subject, payload)),
  };
}

async function bounded<T>(call: () => Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error('the uplink did not answer in time')), CALL_MS_MAX);
  });
  try {
    return await Promise.race([call(), late]);
  } finally {
    clearTimeout(timer);
  }
}
