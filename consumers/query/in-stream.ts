import type { Failure, InStreamAnswer, QueryAnswer, QueryRequest } from '../../shared/contract/internal.ts';
import { rangesOf, seqsOf } from '../../shared/core/seq-ranges.ts';
import type { Time } from '../runtime/time.ts';
import type { HistoryStore } from '../stores/history/port.ts';

/** messages of a session read for one answer, one after another; the asker goes on behind them */
const READS_MAX = 512;
/** the asker waits for 2 s: store and dead letters are looked at after the stream */
const LOOK_MS_MAX = 1_000;

/** The stream of events, as its leader knows it, and what the durable that feeds the archive has acknowledged of it. */
export interface EventStream {
  /** Rejects when the leader cannot be asked. */
  state(): Promise<EventStreamState>;
  /** the first message of a subject from a sequence on; undefined: there is none */
  next(subject: string, fromSeq: number): Promise<{ seq: number; id: string } | undefined>;
}

export interface EventStreamState {
  /** of the stream: one that was deleted and made anew has another */
  created: string;
  lastSeq: number;
  duplicateWindowMs: number;
  /** everything up to it was acknowledged; 0 when the durable does not exist: it will begin anew */
  ackFloor: number;
}

/** Which events are dead letters of the archive's consumer, by event id. Rejects when that cannot be told. */
export type DeadLettersOf = (ids: ReadonlySet<string>) => Promise<ReadonlyMap<string, Omit<Failure, 'seq'>>>;

export interface Looking {
  store: HistoryStore;
  stream: EventStream;
  deadLettersOf: DeadLettersOf;
  time: Time;
}

type Request = Extract<QueryRequest, { op: 'inStream' }>;

/**
 * Where events are that the archive did not hold. What the durable has acknowledged does not count as held: it will not be
 * delivered again. An event moves from the stream to the archive, so the archive is looked at last: what is in neither is
 * nowhere. Rejects when a part of it cannot be asked; never guesses.
 */
export async function lookInStream(looking: Looking, request: Request): Promise<QueryAnswer> {
  const { stream } = looking;
  const before = await stream.state();
  const walk = await walkStream(looking, request, before);
  const after = await stream.state();
  if (after.created !== before.created) return unavailable('the stream was made anew meanwhile');
  if (before.ackFloor > after.lastSeq) return unavailable('the durable stands ahead of the stream');
  const told = await elsewhere(looking, request, walk.missing);
  return {
    ok: true,
    op: 'inStream',
    held: walk.held,
    ...told,
    ...(walk.lookedTo === undefined ? {} : { lookedTo: walk.lookedTo }),
    created: before.created,
    duplicateWindowMs: before.duplicateWindowMs,
  };
}

interface Walk {
  held: number[];
  /** those that the stream does not hold; none when the walk ended at its bound */
  missing: Request['events'];
  lookedTo?: number;
}

/** Reads the session's messages in the order of the stream until all are found, the end is reached, or a bound is. */
async function walkStream({ stream, time }: Looking, request: Request, state: EventStreamState): Promise<Walk> {
  const { tenant, sessionId, events, from, created } = request;
  const wanted = new Map(events.map((event) => [event.id, event]));
  const held: number[] = [];
  const subject = `millrace.events.${tenant}.*.*.${sessionId}`;
  const bound = created === undefined || created === state.created ? from : undefined;
  const untilMs = time.now() + LOOK_MS_MAX;
  let next = Math.max(bound ?? 1, state.ackFloor + 1);
  for (let reads = 0; wanted.size > 0; reads += 1) {
    if (reads >= READS_MAX || time.now() > untilMs) return { held, missing: [], lookedTo: next - 1 };
    const message = await stream.next(subject, next);
    if (message === undefined) break;
    const found = wanted.get(message.id);
    if (found !== undefined) held.push(found.seq);
    wanted.delete(message.id);
    next = message.seq + 1;
  }
  return { held, missing: [...wanted.values()] };
}

/** Of what the stream does not hold: what the archive got meanwhile, what is a dead letter, and what is nowhere. */
async function elsewhere(
  { store, deadLettersOf }: Looking,
  request: Request,
  missing: Request['events'],
): Promise<Pick<InStreamAnswer, 'absent' | 'archived' | 'buried'>> {
  const nothing = { ranges: [], publishedAt: 0, persistedAt: 0 };
  if (missing.length === 0) return { absent: [], archived: nothing, buried: [] };
  const { ranges, publishedAt, persistedAt } = await store.heldRanges(request, rangesOf(missing.map(({ seq }) => seq)));
  const archived = new Set(ranges.flatMap(seqsOf));
  const left = missing.filter(({ seq }) => !archived.has(seq));
  const letters = left.length === 0 ? new Map<string, never>() : await deadLettersOf(new Set(left.map(({ id }) => id)));
  const buried: Failure[] = [];
  const absent: number[] = [];
  for (const { seq, id } of left) {
    const letter = letters.get(id);
    if (letter === undefined) absent.push(seq);
    else buried.push({ seq, ...letter });
  }
  return { absent, archived: { ranges: ranges.map(([from, to]) => [from, to]), publishedAt, persistedAt }, buried };
}

function unavailable(detail: string): QueryAnswer {
  return { ok: false, code: 'unavailable', detail };
}
