import type { Accepted, Line, LoggedEvent, ReadMessage, SeenEvent } from './ledger.ts';
import { SocketJudge } from './socket-judge.ts';

/** What is judged; every one of them is promised to be 0. */
export const FAULTS = [
  'lost',
  'doubled',
  'gaps',
  'silentGaps',
  'different',
  'refused',
  'unsettled',
  'unseen',
  'buried',
  'readModels',
] as const;
export type Fault = (typeof FAULTS)[number];

export interface Verdict {
  counts: Record<Fault, number>;
  /** the first ones of each kind */
  findings: string[];
  commands: number;
  attempts: number;
  /** tries without an answer; those of commands that a later try, with the same key, was answered */
  unknown: number;
  settledByRetry: number;
  /** 202s that said they had been given before */
  replayed: number;
  later: number;
  events: number;
  framesEvents: number;
  /** resumes that said that they could not go on from where they were */
  announcedGaps: number;
  resumes: number;
  ownReads: number;
  /** dead letters: all of them must be of poison */
  letters: number;
  readModels: Record<string, number>;
}

export const FINDINGS_KEPT_MAX = 15;

interface Op {
  session: string;
  command: string;
  text?: string;
  /** the highest seq answered in the session before it was first sent */
  floor: number;
  unknown: number;
  accepted?: Accepted;
  status?: string;
}

/** Takes the ledger line by line, and then says what was broken of what is promised. Pure: it knows nothing but the lines. */
export class Judge {
  readonly #ops = new Map<string, Op>();
  readonly #highest = new Map<string, number>();
  readonly #sockets = new Map<string, SocketJudge>();
  readonly #logs = new Map<string, { head: number; events: readonly LoggedEvent[] }>();
  readonly #pages = new Map<string, readonly ReadMessage[]>();
  readonly #counts: Record<Fault, number>;
  readonly #findings: string[] = [];
  readonly #poison = new Set<string>();
  readonly #verdict = {
    attempts: 0,
    unknown: 0,
    replayed: 0,
    later: 0,
    framesEvents: 0,
    ownReads: 0,
    letters: 0,
    readModels: {} as Record<string, number>,
  };

  constructor() {
    this.#counts = Object.fromEntries(FAULTS.map((fault) => [fault, 0])) as Record<Fault, number>;
  }

  take(line: Line): void {
    switch (line.kind) {
      case 'attempt':
        return this.#attempt(line);
      case 'accepted':
        return this.#accept(line);
      case 'unknown':
        this.#verdict.unknown += 1;
        this.#op(line.op).unknown += 1;
        return;
      case 'later':
        this.#verdict.later += 1;
        return;
      case 'refused':
        return this.#add('refused', `${this.#name(line.op)} was refused: ${line.why}`);
      case 'own-read':
        this.#verdict.ownReads += 1;
        if (!line.isSeen) this.#add('unseen', `${this.#name(line.op)} was not seen by its sender: ${line.found}`);
        return;
      case 'connecting':
        return this.#socket(line.socket, line.session).connect(line.after);
      case 'welcome':
        return this.#socket(line.socket).welcome(line.from, line.recovered, line.epoch);
      case 'frame':
        this.#verdict.framesEvents += line.events.length;
        return this.#socket(line.socket).frame(line.events);
      case 'refill':
        return this.#socket(line.socket).refill(line.events);
      case 'socket-fault':
        return this.#add('silentGaps', `socket ${line.socket}: ${line.why}`);
      case 'fault':
        return;
      case 'poison':
        this.#poison.add(line.payload);
        return;
      case 'letter':
        this.#verdict.letters += 1;
        if (!this.#poison.has(line.payload))
          this.#add('buried', `${line.consumer} has a dead letter of ${line.payload.slice(0, 200)}`);
        return;
      case 'log':
        this.#logs.set(line.session, line);
        return;
      case 'messages':
        this.#pages.set(line.session, line.messages);
        return;
      case 'status':
        this.#op(line.op).status = line.status;
        return;
      case 'read-model':
        return this.#readModel(line);
    }
  }

  finish(): Verdict {
    const bySession = new Map<string, [string, Op][]>();
    for (const [key, op] of this.#ops) {
      const ops = bySession.get(op.session) ?? [];
      bySession.set(op.session, ops);
      ops.push([key, op]);
      if (op.accepted === undefined) this.#add('unsettled', `${this.#name(key)} was never answered for good`);
    }
    let events = 0;
    for (const [session, ops] of bySession) {
      const log = this.#logs.get(session);
      if (log === undefined) this.#add('lost', `the log of ${session} was not read`);
      else this.#judgeSession(session, ops, log.events, log.head);
      events += log?.events.length ?? 0;
    }
    const sockets = [...this.#sockets.values()];
    const ops = [...this.#ops.values()];
    return {
      counts: this.#counts,
      findings: this.#findings,
      ...this.#verdict,
      commands: ops.filter(({ accepted }) => accepted !== undefined).length,
      settledByRetry: ops.filter(({ unknown, accepted }) => unknown > 0 && accepted !== undefined).length,
      events,
      announcedGaps: sockets.reduce((sum, socket) => sum + socket.announcedGaps, 0),
      resumes: sockets.reduce((sum, socket) => sum + socket.resumes, 0),
    };
  }

  #attempt({ op: key, session, command, text }: Extract<Line, { kind: 'attempt' }>): void {
    this.#verdict.attempts += 1;
    if (this.#ops.has(key)) return;
    const floor = this.#highest.get(session) ?? 0;
    this.#ops.set(key, { session, command, ...(text === undefined ? {} : { text }), floor, unknown: 0 });
  }

  #accept({ op: key, replayed, commandId, seq, eventId, entityId }: Extract<Line, { kind: 'accepted' }>): void {
    const op = this.#op(key);
    if (replayed) this.#verdict.replayed += 1;
    const before = op.accepted;
    if (before === undefined) op.accepted = { commandId, seq, eventId, entityId };
    else if (before.commandId !== commandId || before.seq !== seq || before.eventId !== eventId) {
      this.#add('doubled', `${this.#name(key)} was answered twice: seq ${before.seq}, then seq ${seq}`);
    }
    if (eventId === null) return;
    if (seq <= op.floor) this.#add('different', `${this.#name(key)} was sent after seq ${op.floor} was answered, and got ${seq}`);
    this.#highest.set(op.session, Math.max(this.#highest.get(op.session) ?? 0, seq));
  }

  #judgeSession(session: string, ops: readonly [string, Op][], events: readonly LoggedEvent[], head: number): void {
    this.#judgeOrder(session, events, head);
    const byCommand = new Map<string, LoggedEvent[]>();
    for (const event of events) byCommand.set(event.commandId, [...(byCommand.get(event.commandId) ?? []), event]);
    for (const [key, op] of ops) {
      if (op.accepted === undefined) continue;
      this.#judgeOp(key, op, op.accepted, byCommand.get(op.accepted.commandId) ?? []);
      byCommand.delete(op.accepted.commandId);
    }
    for (const [event] of byCommand.values()) {
      this.#add('doubled', `${session}: seq ${event?.seen[0]} (${event?.type}) is of no command that was answered`);
    }
    this.#judgePages(session, events);
    this.#judgeSockets(session, events);
  }

  #judgeOrder(session: string, events: readonly LoggedEvent[], head: number): void {
    const ids = new Set<string>();
    events.forEach(({ seen: [seq, id] }, at) => {
      if (seq !== at + 1) this.#add('gaps', `${session}: event ${at + 1} over HTTP has seq ${seq}`);
      if (ids.has(id)) this.#add('doubled', `${session}: event ${id} is there twice`);
      ids.add(id);
    });
    if (events.length !== head) this.#add('lost', `${session}: the head is ${head}, and there are ${events.length} events`);
  }

  #judgeOp(key: string, op: Op, accepted: Accepted, events: readonly LoggedEvent[]): void {
    const name = this.#name(key);
    if (accepted.eventId === null) {
      if (events.length > 0) this.#add('doubled', `${name} was answered "unchanged", and has an event`);
      return;
    }
    const [event, ...more] = events;
    if (event === undefined) return this.#add('lost', `${name} was answered 202 with seq ${accepted.seq}, and has no event`);
    if (more.length > 0) this.#add('doubled', `${name} has ${events.length} events`);
    const [seq, id] = event.seen;
    if (seq !== accepted.seq || id !== accepted.eventId || event.entityId !== accepted.entityId) {
      this.#add('different', `${name} was answered seq ${accepted.seq}, event ${accepted.eventId}, and has ${seq}, ${id}`);
    }
    if (!event.isErased && op.text !== undefined && event.text !== op.text) {
      this.#add('different', `${name}: its event has another text`);
    }
    if (op.status !== 'persisted') this.#add('lost', `${name} (seq ${seq}) is ${op.status ?? 'without a status'}`);
  }

  /** Newest first, each created message once, with the text of its last edit, or none once deleted. */
  #judgePages(session: string, events: readonly LoggedEvent[]): void {
    const expected = new Map<string, { seq: number; text: string | undefined; isDeleted: boolean }>();
    for (const { type, entityId, text, seen } of events) {
      if (type === 'message.created') expected.set(entityId, { seq: seen[0], text, isDeleted: false });
      const message = expected.get(entityId);
      if (message === undefined) continue;
      if (type === 'message.updated') message.text = text;
      if (type === 'message.deleted') message.isDeleted = true;
    }
    let last = Number.MAX_SAFE_INTEGER;
    for (const { id, seq, text, isDeleted } of this.#pages.get(session) ?? []) {
      const message = expected.get(id);
      expected.delete(id);
      if (message === undefined) this.#add('doubled', `${session}: message ${id} is on a page twice, or was never sent`);
      else if (message.seq !== seq || message.isDeleted !== isDeleted || (!isDeleted && message.text !== text)) {
        this.#add('different', `${session}: message ${id} (seq ${message.seq}) is another on its page`);
      }
      if (seq >= last) this.#add('different', `${session}: the pages have seq ${seq} after ${last}`);
      last = seq;
    }
    for (const [id, { seq }] of expected) this.#add('lost', `${session}: message ${id} (seq ${seq}) is on no page`);
  }

  #judgeSockets(session: string, events: readonly LoggedEvent[]): void {
    const bySeq = new Map(events.map((event) => [event.seen[0], event]));
    for (const [name, socket] of this.#sockets) {
      if (socket.session !== session) continue;
      for (const { fault, what } of socket.found) this.#add(fault, `socket ${name}: ${what}`);
      for (const seen of socket.seen.values()) this.#compare(name, seen, bySeq.get(seen[0]));
      const missing = events.filter(({ seen: [seq] }) => !socket.seen.has(seq));
      if (missing.length > 0) {
        this.#add(
          'lost',
          `socket ${name} never got ${missing.length} of ${events.length} events, the first is ${missing[0]?.seen[0]}`,
        );
      }
    }
  }

  #compare(socket: string, [seq, id, envelope, data]: SeenEvent, logged: LoggedEvent | undefined): void {
    if (logged === undefined) return this.#add('different', `socket ${socket} got seq ${seq}, which HTTP has not`);
    const isSame = logged.seen[1] === id && logged.seen[2] === envelope && (logged.isErased || logged.seen[3] === data);
    if (!isSame) this.#add('different', `socket ${socket} got another seq ${seq} than HTTP has`);
  }

  #readModel({ name, session, checked, missing, extra, different, first }: Extract<Line, { kind: 'read-model' }>): void {
    this.#verdict.readModels[name] = (this.#verdict.readModels[name] ?? 0) + checked;
    if (missing + extra + different === 0) return;
    this.#add(
      'readModels',
      `${name}, ${session}: ${missing} missing, ${extra} too many, ${different} different: ${first.join('; ')}`,
      missing + extra + different,
    );
  }

  #op(key: string): Op {
    const op = this.#ops.get(key);
    if (op === undefined) throw new Error(`the ledger speaks of ${key} before it was sent`);
    return op;
  }

  #socket(name: string, session = ''): SocketJudge {
    const known = this.#sockets.get(name) ?? new SocketJudge(session);
    this.#sockets.set(name, known);
    return known;
  }

  #name(key: string): string {
    return `${this.#ops.get(key)?.command ?? 'a command'} ${key}`;
  }

  #add(fault: Fault, what: string, count = 1): void {
    this.#counts[fault] += count;
    const kept = this.#findings.filter((finding) => finding.startsWith(`${fault}: `)).length;
    if (kept < FINDINGS_KEPT_MAX) this.#findings.push(`${fault}: ${what}`);
  }
}

export function isClean({ counts }: Verdict): boolean {
  return FAULTS.every((fault) => counts[fault] === 0);
}
