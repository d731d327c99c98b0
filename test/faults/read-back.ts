import { setTimeout as sleep } from 'node:timers/promises';
import { answers, readEvents, readMessages, sessionPath } from '../../scripts/replay/client.ts';
import { forEachLimited } from '../../scripts/replay/gate.ts';
import type { WireEvent } from '../../scripts/replay/answers.ts';
import type { HttpClient } from '../../scripts/replay/http.ts';
import { digest, type Ledger, type LoggedEvent, seenEvent } from './ledger.ts';

/** statuses asked for at once */
const STATUS_WIDTH = 24;
const SESSION_WIDTH = 4;
const POLL_MS = 500;

export interface AnsweredOp {
  op: string;
  session: string;
  commandId: string;
  /** who sent it: others may not ask for it */
  http: HttpClient;
}

/** Writes down what HTTP says of every session, once all was mended. */
export async function readBack(
  sessions: readonly string[],
  readerOf: (session: string) => HttpClient,
  ledger: Ledger,
): Promise<Map<string, WireEvent[]>> {
  const logs = new Map<string, WireEvent[]>();
  await forEachLimited(sessions, SESSION_WIDTH, async (session) => {
    const { events, head, epoch } = await readEvents(readerOf(session), session);
    logs.set(session, events);
    ledger.write({ kind: 'log', session, head, epoch, events: events.map(logged) });
    const messages = await readMessages(readerOf(session), session);
    ledger.write({
      kind: 'messages',
      session,
      messages: messages.map(({ id, seq, text, deletedAt }) => ({
        id,
        seq,
        text: digest(text),
        isDeleted: deletedAt !== undefined,
      })),
    });
  });
  return logs;
}

function logged(event: WireEvent): LoggedEvent {
  const { text, erased } = event.data;
  return {
    seen: seenEvent(event),
    type: event.type,
    commandId: event.causationid,
    entityId: event.subject,
    ...(typeof text === 'string' ? { text: digest(text) } : {}),
    isErased: erased === true,
  };
}

/**
 * Asks until every command is persisted, or nothing moved for `patienceMs`, and writes each last word down. Resolves with how many
 * are not, and with when the last one was.
 */
export async function awaitPersisted(
  ops: readonly AnsweredOp[],
  ledger: Ledger,
  patienceMs: number,
): Promise<{ left: number; lastPersistedMs: number }> {
  const last = new Map<string, string>();
  let lastPersistedMs = 0;
  const ask = async (op: AnsweredOp): Promise<void> => {
    const { status, persistedMs } = await statusOf(op);
    last.set(op.op, status);
    lastPersistedMs = Math.max(lastPersistedMs, persistedMs);
  };
  let open = [...ops];
  let movedAtMs = Date.now();
  while (open.length > 0 && Date.now() - movedAtMs < patienceMs) {
    // the newest of each session first: when those are not there, the rest need not be asked for yet
    const newest = [...new Map(open.map((op) => [op.session, op])).values()];
    await forEachLimited(newest, STATUS_WIDTH, ask);
    const ready = new Set(newest.filter(({ op }) => last.get(op) === 'persisted').map(({ session }) => session));
    const isLate = Date.now() - movedAtMs > patienceMs / 2;
    const asked = open.filter(({ session, op }) => last.get(op) !== 'persisted' && (isLate || ready.has(session)));
    await forEachLimited(asked, STATUS_WIDTH, ask);
    const still = open.filter(({ op }) => last.get(op) !== 'persisted');
    if (still.length < open.length) movedAtMs = Date.now();
    open = still;
    if (open.length > 0) await sleep(POLL_MS);
  }
  for (const { op } of ops) ledger.write({ kind: 'status', op, status: last.get(op) ?? 'never asked for' });
  return { left: open.length, lastPersistedMs };
}

async function statusOf({ http, session, commandId }: AnsweredOp): Promise<{ status: string; persistedMs: number }> {
  const reply = await http.request('GET', `${sessionPath(session)}/commands/${commandId}`).catch(() => undefined);
  if (reply === undefined) return { status: 'no answer', persistedMs: 0 };
  const parsed = answers.commandStatus.safeParse(reply.body);
  if (!parsed.success) return { status: String(reply.status), persistedMs: 0 };
  const { status, persistedAt } = parsed.data;
  return { status, persistedMs: persistedAt === undefined ? 0 : Date.parse(persistedAt) };
}
