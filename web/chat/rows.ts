import type { ClientMessage, RunningStream } from '../../client/index.ts';
import { dayKeyOf } from '../ui/times.ts';

/** One line of the list of messages. */
export interface Row {
  key: string;
  message?: ClientMessage;
  stream?: RunningStream;
  /** the first of its day: an ISO time of that day */
  day: string | undefined;
  /** the first that was not read when the session was opened */
  isFirstNew: boolean;
  /** follows the same author closely: without name and picture */
  compact: boolean;
}

/** messages of one author this close together are shown as one piece */
const TOGETHER_MS_MAX = 5 * 60_000;

interface RowsInput {
  messages: readonly ClientMessage[];
  streams: readonly RunningStream[];
  /** everything up to this seq was read before; undefined: nothing is marked as new */
  newAfterSeq: number | undefined;
  me: string | undefined;
}

/** All messages in their order, those that are being written behind them, and one's own that wait last. */
export function rowsOf({ messages, streams, newAfterSeq, me }: RowsInput): Row[] {
  const rows: Row[] = [];
  let before: { author: string; atMs: number; day: string; gone: boolean } | undefined;
  let marked = newAfterSeq === undefined;
  const add = (row: Pick<Row, 'key' | 'message' | 'stream'>, author: string, at: string, gone: boolean, isNew: boolean): void => {
    const atMs = Date.parse(at);
    const day = dayKeyOf(at);
    const sameDay = before?.day === day;
    const close = sameDay && before?.author === author && atMs - before.atMs < TOGETHER_MS_MAX;
    const isFirstNew = !marked && isNew;
    if (isFirstNew) marked = true;
    rows.push({ ...row, day: sameDay ? undefined : at, isFirstNew, compact: close && !isFirstNew && before?.gone === gone });
    before = { author, atMs, day, gone };
  };
  const written = new Set<string>();
  const put = (message: ClientMessage): void => {
    const { id, author, createdAt, deletedAt, seq } = message;
    const isNew = message.state === 'sent' && author.id !== me && seq > (newAfterSeq ?? 0);
    add({ key: id, message }, author.id, createdAt, deletedAt !== undefined, isNew);
    written.add(id);
  };
  for (const message of messages) if (message.state === 'sent') put(message);
  for (const stream of streams) {
    if (!written.has(stream.messageId)) add({ key: stream.messageId, stream }, stream.user.id, stream.startedAt, false, false);
  }
  for (const message of messages) if (message.state !== 'sent') put(message);
  return rows;
}

/** True when rows were added before what was the first one: then the place in the list is kept from its end. */
export function isPrepended(before: readonly Row[], after: readonly Row[]): boolean {
  const first = before[0]?.key;
  if (first === undefined || after.length <= before.length || after[0]?.key === first) return false;
  // what is older comes in pages: the old first row is as far from the end as it was
  return after[after.length - before.length]?.key === first || after.some(({ key }) => key === first);
}
