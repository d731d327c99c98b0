import { check } from './checker.ts';
import type { SessionEvidence } from './evidence.ts';
import { forEachLimited, Gate } from './gate.ts';
import { reasonOf, sessionPath } from './http.ts';
import type { Door } from './participant.ts';
import { SessionPlay } from './player.ts';
import { Progress } from './progress.ts';
import { readEvents, readMembers, readMessages } from './read-back.ts';
import type { SessionReport, Times } from './report.ts';
import { awaitPersisted } from './statuses.ts';
import { session as sessionAnswer } from './answers.ts';
import { StoredCheck, type StoredEvidence, type StoredVerdict } from './stored-check.ts';
import type { StoredRows } from './stored-rows.ts';
import { repeat, type Transcript } from './transcript.ts';

export interface RunOptions {
  url: string;
  transcripts: readonly Transcript[];
  /** as many as transcripts */
  sessionIds: readonly string[];
  runId: string;
  times: number;
  inFlight: number;
  /** messages per second of all sessions together; absent: as fast as it goes */
  rate?: number;
  doors: readonly Door[];
  patienceMs: number;
  tokenFor: (userId: string) => Promise<string>;
  /** compare the store with what was seen */
  stored?: StoredRows;
}

/** sessions read back, or asked for statuses, at once */
const SESSIONS_AT_ONCE_MAX = 16;

/** Plays all transcripts at once, waits until all is persisted, reads everything back and judges it. */
export async function run(options: RunOptions): Promise<{ sessions: SessionReport[]; times: Times }> {
  const plays = options.transcripts.map(({ session, messages }, at) => ({
    session,
    messages,
    id: options.sessionIds[at] ?? session,
  }));
  const total = plays.reduce((sum, each) => sum + each.messages.length * options.times, 0);
  const playing = new Progress('playing', total);
  const { url, runId, doors, patienceMs, tokenFor } = options;
  const sessions = plays.map(
    ({ session, messages, id }) =>
      new SessionPlay({
        url,
        runId,
        doors,
        patienceMs,
        tokenFor,
        sessionId: id,
        title: session.slice(0, 200),
        messages: repeat(messages, options.times),
        onAnswered: () => playing.step(),
      }),
  );
  await Promise.all(sessions.map((each) => each.open()));
  const gate = new Gate(options.inFlight, options.rate);
  const playMs = await timed(async () => {
    await Promise.all(sessions.map((each) => each.play(gate)));
    await Promise.all(sessions.map((each) => each.socketsCaughtUp()));
  });
  playing.end();
  const statuses = new Map<SessionPlay, SessionEvidence['statuses']>();
  const persisting = new Progress(
    'persisting',
    sessions.reduce((sum, each) => sum + each.accepted.length + each.setup.length, 0),
  );
  const persistMs = await timed(() =>
    forEachLimited(sessions, SESSIONS_AT_ONCE_MAX, async (each) => {
      statuses.set(each, await statusesOf(each, patienceMs, persisting));
    }),
  );
  persisting.end();
  const reports: SessionReport[] = [];
  const reading = new Progress('reading back', sessions.length);
  const readBackMs = await timed(() =>
    forEachLimited(sessions, SESSIONS_AT_ONCE_MAX, async (each) => {
      reports.push(await judge(each, statuses.get(each) ?? new Map(), options.stored));
      reading.step();
    }),
  );
  reading.end();
  reports.sort((a, b) => (a.verdict.sessionId < b.verdict.sessionId ? -1 : 1));
  return { sessions: reports, times: { playMs, persistMs, readBackMs } };
}

/** The sender asks for the status of its own command; what set the session up is the owner's. */
async function statusesOf(play: SessionPlay, patienceMs: number, progress: Progress): Promise<SessionEvidence['statuses']> {
  const ofOwner = play.setup
    .filter((each) => each.eventId !== null)
    .map(({ commandId, seq }) => ({ commandId, seq, userId: play.owner.userId }));
  const commands = [...ofOwner, ...play.accepted].toSorted((a, b) => a.seq - b.seq);
  const reader = {
    sessionId: play.sessionId,
    patienceMs,
    onPersisted: (count: number) => progress.step(count),
    onFault: (what: string) => void play.faults.push(what),
  };
  return awaitPersisted(reader, commands, (userId) => (play.participants.get(userId) ?? play.owner).http);
}

async function judge(
  play: SessionPlay,
  statuses: SessionEvidence['statuses'],
  stored: StoredRows | undefined,
): Promise<SessionReport> {
  const { http } = play.owner;
  const events = await readEvents(http, play.sessionId).catch((error: unknown) => {
    play.faults.push(`the events could not be read: ${reasonOf(error)}`);
    return { events: [], head: 0 };
  });
  const messages = await readMessages(http, play.sessionId).catch((error: unknown) => {
    play.faults.push(`the messages could not be read: ${reasonOf(error)}`);
    return [];
  });
  await play.close();
  const participants = [...play.participants.values()];
  const { sessionId, sent, accepted, setup, faults } = play;
  const sockets = participants.map(({ userId, seen }) => ({ userId, seen }));
  const bySockets = sockets.flatMap(({ seen }) => seen);
  const verified = stored && (await compareStored(play, stored, { sessionId, seen: bySockets, events: events.events, messages }));
  const sum = (of: (each: (typeof participants)[number]) => number): number =>
    participants.reduce((total, each) => total + of(each), 0);
  return {
    verdict: check({ sessionId, sent, accepted, setup, faults, ...events, messages, sockets, statuses }),
    sent,
    accepted: accepted.length,
    head: events.head,
    sockets: sockets.length,
    reconnects: sum(({ socket }) => socket.reconnects),
    refills: sum(({ socket }) => socket.refills),
    retries: sum((each) => each.http.retries + each.socketRetries),
    deliveries: sum(({ seen }) => seen.length),
    answerMs: play.answerMs,
    ...(verified === undefined ? {} : { stored: verified }),
  };
}

/** Never rejects: what cannot be read is a fault of the session. */
async function compareStored(
  play: SessionPlay,
  stored: StoredRows,
  evidence: Omit<StoredEvidence, 'members' | 'session'>,
): Promise<StoredVerdict | undefined> {
  const { owner, sessionId } = play;
  try {
    const reply = await owner.http.expect(200, 'GET', sessionPath(sessionId));
    const session = sessionAnswer.parse(reply.body);
    const comparison = new StoredCheck({ ...evidence, members: await readMembers(owner.http, sessionId), session });
    await stored.each(sessionId, session.head, (row) => comparison.take(row));
    return comparison.finish();
  } catch (error) {
    play.faults.push(`what Cassandra has could not be compared: ${reasonOf(error)}`);
    return undefined;
  }
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const startedMs = performance.now();
  await work();
  return Math.round(performance.now() - startedMs);
}
