import { accepted as acceptedSchema } from './answers.ts';
import { retryDelayMs, sleep } from './backoff.ts';
import { EventLog, type AcceptedMessage, type SessionEvidence } from './evidence.ts';
import type { Gate } from './gate.ts';
import { reasonOf, sessionPath } from './http.ts';
import { Participant, type Door } from './participant.ts';
import type { TranscriptMessage } from './transcript.ts';

export interface SessionPlayOptions {
  url: string;
  sessionId: string;
  title: string;
  messages: readonly TranscriptMessage[];
  /** keys of this run: another run of the same transcript is other messages */
  runId: string;
  doors: readonly Door[];
  patienceMs: number;
  tokenFor: (userId: string) => Promise<string>;
  onAnswered: () => void;
}

/** contract §1: session.create takes at most 100 members */
const CREATE_MEMBERS_MAX = 100;

/** One transcript being played into one session. */
export class SessionPlay {
  readonly sessionId: string;
  readonly accepted: AcceptedMessage[] = [];
  readonly setup: SessionEvidence['setup'] = [];
  readonly faults: string[] = [];
  /** from the first attempt to the 202, outages included */
  readonly answerMs: number[] = [];
  readonly participants = new Map<string, Participant>();
  readonly #options: SessionPlayOptions;
  readonly #log = new EventLog();
  #highestAnswered = 0;

  constructor(options: SessionPlayOptions) {
    this.#options = options;
    this.sessionId = options.sessionId;
  }

  get sent(): number {
    return this.#options.messages.length;
  }

  /** Whoever speaks first: creates the session and reads it back. */
  get owner(): Participant {
    const [first] = this.participants.values();
    if (first === undefined) throw new Error('open() comes first');
    return first;
  }

  /** Creates the session with everyone in it, and connects a socket each from seq 1 on. Rejects when that is refused. */
  async open(): Promise<void> {
    const { url, sessionId, title, messages, runId, patienceMs, tokenFor } = this.#options;
    const userIds = [...new Set(messages.map((message) => message.userId))];
    for (const userId of userIds) {
      const token = await tokenFor(userId);
      const onFault = (what: string): void => void this.faults.push(what);
      this.participants.set(userId, new Participant({ url, token, userId, sessionId, patienceMs, log: this.#log, onFault }));
    }
    const others = userIds.slice(1);
    const members = others.slice(0, CREATE_MEMBERS_MAX).map((userId) => ({ userId, role: 'member' }));
    await this.#setUp('POST', '/v1/sessions', { id: sessionId, title, members }, `${runId}.create`);
    for (const [at, userId] of others.slice(CREATE_MEMBERS_MAX).entries()) {
      const path = `${sessionPath(sessionId)}/members/${encodeURIComponent(userId)}`;
      await this.#setUp('PUT', path, { role: 'member' }, `${runId}.member.${at}`);
    }
    await Promise.all([...this.participants.values()].map((participant) => participant.socket.open()));
  }

  async #setUp(method: string, path: string, body: unknown, idempotencyKey: string): Promise<void> {
    const reply = await this.owner.http.expect(202, method, path, { body, idempotencyKey });
    const { commandId, eventId, seq } = acceptedSchema.parse(reply.body);
    this.setup.push({ commandId, eventId, seq });
    this.#highestAnswered = Math.max(this.#highestAnswered, seq);
  }

  /**
   * Sends the messages in the transcript's order, each nick one after the other; several nicks may speak at once as far as
   * the gate lets them, and then the session decides whose message is first. Never rejects: what fails is a fault.
   */
  async play(gate: Gate): Promise<void> {
    for (const [index, message] of this.#options.messages.entries()) {
      const participant = this.participants.get(message.userId);
      if (participant === undefined) throw new Error('open() comes first');
      await participant.turn;
      await gate.enter();
      participant.turn = this.#say(participant, index, message.text).finally(() => gate.leave());
    }
    await Promise.all([...this.participants.values()].map((participant) => participant.turn));
  }

  async #say(participant: Participant, index: number, text: string): Promise<void> {
    const { doors, runId } = this.#options;
    const floorSeq = this.#highestAnswered;
    const startedMs = performance.now();
    const outcome = await participant.say(text, `${runId}.${index}`, doors[index % doors.length] ?? 'http');
    this.#options.onAnswered();
    if (!outcome.ok) {
      this.faults.push(`message ${index + 1} of ${participant.userId} was not accepted: ${outcome.why}`);
      return;
    }
    this.answerMs.push(performance.now() - startedMs);
    const { commandId, entityId, eventId, seq } = outcome.accepted;
    this.#highestAnswered = Math.max(this.#highestAnswered, seq);
    this.accepted.push({ index, userId: participant.userId, text, commandId, entityId, eventId, seq, floorSeq });
  }

  /** Waits until every socket has the highest seq that was answered, or patience ends: then the checker will say what is missing. */
  async socketsCaughtUp(): Promise<void> {
    const deadlineMs = Date.now() + this.#options.patienceMs;
    const behind = (): boolean =>
      [...this.participants.values()].some(({ socket }) => (socket.lastSeq ?? 0) < this.#highestAnswered);
    for (let attempt = 0; behind() && Date.now() < deadlineMs; attempt += 1) await sleep(retryDelayMs(attempt, 0));
  }

  async close(): Promise<void> {
    await Promise.all(
      [...this.participants.values()].map(({ userId, socket }) =>
        socket.close().catch((error: unknown) => this.faults.push(`the socket of ${userId} did not close: ${reasonOf(error)}`)),
      ),
    );
  }
}
