import type { ConsumerConfig, StreamConfig, StreamInfo } from '@nats-io/jetstream';
import type { DurableLook } from '../runtime/durable-look.ts';
import type { WantedStream } from '../runtime/streams.ts';
import { ALERT_ABOVE_SHARE, LAG_MS_MAX } from '../upkeep/plan.ts';
import { error, ok, warning, type Finding } from './finding.ts';

/** What is to be said of streams and durables as the server has them. Pure. */

/** one command that makes what is missing */
export const REPAIR = 'Run "npm run doctor -- --repair", or start the consumers: both make it anew.';
const NANOS_PER_S = 1_000_000_000;
const BYTES_PER_MIB = 1024 ** 2;
const DAY_MS = 24 * 3_600_000;

interface Rule {
  /** what is wrong with it, or undefined */
  breach: (found: StreamConfig, wanted: WantedStream) => string | undefined;
  fix: (name: string, wanted: WantedStream) => string;
}

const RULES: readonly Rule[] = [
  {
    breach: ({ discard }, wanted) =>
      discard === wanted.discard
        ? undefined
        : wanted.discard === 'new'
          ? 'it discards old messages when it is full, also those that nobody took: events would be lost without a sign'
          : 'it refuses new messages when it is full: what it keeps for information would hold up the system',
    fix: (name, { discard }) => `nats stream edit ${name} --discard=${discard ?? 'new'}`,
  },
  {
    breach: ({ max_bytes }) =>
      max_bytes > 0 ? undefined : 'it has no max_bytes: it fills the disk, and then JetStream stops for all streams',
    fix: (name, { max_bytes }) => `nats stream edit ${name} --max-bytes=${Math.round(max_bytes / BYTES_PER_MIB)}MiB`,
  },
  {
    breach: ({ retention }, wanted) =>
      retention === wanted.retention ? undefined : `its retention is ${retention}, and not ${wanted.retention}`,
    fix: (name) =>
      `Retention cannot be changed: stop the consumers, delete ${name}, and let them make it anew; events come back from the archive and the edge.`,
  },
  {
    breach: ({ storage }, wanted) =>
      storage === wanted.storage ? undefined : 'it is kept in memory, and is lost when the server restarts',
    fix: (name) => `Storage cannot be changed: stop the consumers, delete ${name}, and let them make it anew.`,
  },
  {
    breach: ({ subjects }, wanted) => {
      const missing = (wanted.subjects ?? []).filter((subject) => !subjects.includes(subject));
      return missing.length === 0 ? undefined : `it does not take ${missing.join(', ')}`;
    },
    fix: (name, { subjects = [] }) => `nats stream edit ${name} --subjects='${subjects.join(',')}'`,
  },
  {
    breach: ({ duplicate_window }, { duplicate_window: wanted }) =>
      wanted === undefined || duplicate_window >= wanted
        ? undefined
        : `it knows repetitions for ${duplicate_window / NANOS_PER_S} s only: what is published again would be there twice`,
    fix: (name, { duplicate_window = 0 }) => `nats stream edit ${name} --dupe-window=${duplicate_window / NANOS_PER_S}s`,
  },
  {
    breach: ({ max_age }, wanted) => {
      const wantedAge = wanted.max_age ?? 0;
      const isShorter = max_age > 0 && (wantedAge === 0 || max_age < wantedAge);
      return isShorter
        ? `it forgets after ${Math.round(max_age / NANOS_PER_S / 3_600)} h, which is sooner than it may`
        : undefined;
    },
    fix: (name, { max_age = 0 }) => `nats stream edit ${name} --max-age=${Math.round(max_age / NANOS_PER_S)}s`,
  },
];

/** `info`: undefined where there is none. `replicas`: how many copies were asked for, if somebody did. */
export function checkStream(wanted: WantedStream, info: StreamInfo | undefined, replicas: number | undefined): Finding[] {
  const { name } = wanted;
  const check = `stream:${name}`;
  if (info === undefined) return [error(check, `There is no stream ${name}.`, REPAIR)];
  const { config, state, cluster } = info;
  const found = RULES.flatMap(({ breach, fix }) => {
    const why = breach(config, wanted);
    return why === undefined ? [] : [error(check, `Of the stream ${name}, ${why}.`, fix(name, wanted))];
  });
  if (replicas !== undefined && config.num_replicas !== replicas) {
    found.push(
      error(check, `The stream ${name} has ${config.num_replicas} copies, and EVENTS_REPLICAS asks for ${replicas}.`, REPAIR),
    );
  }
  // a server alone says that it leads, and has no name for its cluster
  if (config.num_replicas === 1 && cluster?.name !== undefined && replicas === undefined) {
    found.push(
      warning(check, `The stream ${name} has one copy in a cluster: the loss of one server loses it.`, 'Set EVENTS_REPLICAS=3.'),
    );
  }
  const share = config.max_bytes > 0 ? state.bytes / config.max_bytes : 0;
  if (share > ALERT_ABOVE_SHARE && wanted.discard === 'new') {
    const says = `The stream ${name} is ${Math.round(share * 100)} % full: at 100 % what is new waits where it comes from.`;
    found.push(error(check, says, 'See which consumer is behind, or give the stream more bytes.'));
  }
  return found.length > 0 ? found : [ok(check, `The stream ${name} is as it should be, ${Math.round(share * 100)} % full.`)];
}

/** `look` and `config`: undefined where there is none. `nowMs`: epoch milliseconds. */
export function checkDurable(
  name: string,
  look: DurableLook | undefined,
  config: ConsumerConfig | undefined,
  nowMs: number,
): Finding[] {
  const check = `durable:${name}`;
  if (look === undefined || config === undefined) {
    return [error(check, `There is no durable consumer ${name}: nothing reaches it, and no message is purged.`, REPAIR)];
  }
  const { pending, oldestAtMs = nowMs, pausedUntilMs } = look;
  const found: Finding[] = [];
  const remake = `Stop its workers, delete the durable ${name}, and start them: they make it anew and take again what they have.`;
  if (config.ack_policy !== 'explicit') {
    found.push(
      error(check, `The durable ${name} does not wait for acknowledgements: what a worker had in hand is lost with it.`, remake),
    );
  }
  if ((config.max_deliver ?? -1) > 0) {
    const says = `The durable ${name} gives up a message after ${config.max_deliver} deliveries: it would be nowhere.`;
    found.push(error(check, says, remake));
  }
  if ((config.filter_subjects?.length ?? 0) > 0) {
    const says = `The durable ${name} is of an earlier build, with a filter: it is slow, and events of types added since never reach it.`;
    found.push(warning(check, says, remake));
  }
  if (pausedUntilMs !== undefined) {
    found.push(
      ok(check, `The durable ${name} is paused until ${new Date(pausedUntilMs).toISOString()}; ${pending} events wait.`),
    );
  } else if (nowMs - oldestAtMs > LAG_MS_MAX) {
    const days = Math.floor((nowMs - oldestAtMs) / DAY_MS);
    const says = `The durable ${name} is ${days} days behind: at 30 days the stream drops what it did not take.`;
    found.push(error(check, says, `See what the log of the role ${name} says.`));
  }
  return found.length > 0 ? found : [ok(check, `The durable ${name} is there, ${pending} events wait.`)];
}
