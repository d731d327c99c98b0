import { floorOf, judge, positionOf, type Finding, type Position, type Seen } from '../../../consumers/runtime/guard.ts';

/** A stream with a durable, a read model and an archive that has everything at once: as little of each as a guard can tell apart. */

export type Deed =
  | { kind: 'publish' | 'read' | 'losesTail' | 'purge' | 'losesOne'; count: number }
  | { kind: 'check' | 'purgeNoted' | 'losesDurable' | 'recreate' | 'copy' | 'restart' | 'restore' };

interface Message {
  seq: number;
  id: number;
  atMs: number;
}

interface Copy {
  created: string;
  messages: readonly Message[];
  firstSeq: number;
  lastSeq: number;
  lastTime: string;
  /** the durable has been given all up to it, and acknowledged it */
  floor: number;
}

const EMPTY_TIME = '0001-01-01T00:00:00Z';

export class GuardedWorld {
  readonly found: Finding[] = [];
  #now = Date.parse('2026-01-01T00:00:00Z');
  #servers = 1;
  #state: Copy = this.#newStream();
  #copy: Copy = this.#state;
  readonly #published: Message[] = [];
  readonly #has = new Set<number>();
  #noted: Position | undefined;

  constructor() {
    // a read model's first look comes before its first event, or it fills itself from the archive
    this.#check();
  }

  do(deed: Deed): void {
    this.#now += 1;
    const { messages, firstSeq, lastSeq } = this.#state;
    switch (deed.kind) {
      case 'publish':
        for (let count = deed.count; count > 0; count -= 1) this.#publish();
        return;
      case 'read':
        return this.#read(deed.count);
      case 'check':
        return this.#check();
      case 'purgeNoted':
        return this.#purgeTo(Math.min(this.#noted?.floorSeq ?? 0, lastSeq), this.#state.floor);
      case 'losesDurable':
        // made anew from the first message on, by whoever looks after durables
        this.#state = { ...this.#state, floor: firstSeq - 1 };
        return;
      case 'recreate':
        this.#state = this.#newStream();
        return;
      case 'restart':
        this.#servers += 1;
        return;
      case 'losesTail': {
        // a server loses its last messages by a crash, and no other way
        this.#servers += 1;
        const kept = messages.filter(({ seq }) => seq <= lastSeq - deed.count);
        const last = Math.max(firstSeq - 1, lastSeq - deed.count);
        const at = kept.at(-1)?.atMs;
        const lastTime = at === undefined ? this.#state.lastTime : new Date(at).toISOString();
        this.#state = { ...this.#state, messages: kept, lastSeq: last, lastTime };
        return;
      }
      case 'copy':
        this.#copy = this.#state;
        return;
      case 'restore':
        this.#servers += 1;
        this.#state = this.#copy;
        return;
      case 'purge':
        // a server moves a durable along when messages are purged before it
        return this.#purgeTo(
          Math.min(lastSeq, firstSeq - 1 + deed.count),
          Math.max(this.#state.floor, firstSeq - 1 + deed.count),
        );
      case 'losesOne': {
        const lost = firstSeq + deed.count;
        if (lost < lastSeq) this.#state = { ...this.#state, messages: messages.filter(({ seq }) => seq !== lost) };
      }
    }
  }

  /** Every fault is over: a look, all that is there is read, and another look. */
  settle(): void {
    for (let turn = 0; turn < 3; turn += 1) {
      this.do({ kind: 'check' });
      this.do({ kind: 'read', count: Infinity });
    }
  }

  /** what was in the stream at some time, and the read model has not */
  missing(): number[] {
    return this.#published.filter(({ id }) => !this.#has.has(id)).map(({ id }) => id);
  }

  #newStream(): Copy {
    this.#now += 1;
    return { created: new Date(this.#now).toISOString(), messages: [], firstSeq: 1, lastSeq: 0, lastTime: EMPTY_TIME, floor: 0 };
  }

  #publish(): void {
    this.#now += 1;
    const seq = this.#state.lastSeq + 1;
    const message = { seq, id: this.#published.length + 1, atMs: this.#now };
    this.#published.push(message);
    const lastTime = new Date(this.#now).toISOString();
    this.#state = { ...this.#state, messages: [...this.#state.messages, message], lastSeq: seq, lastTime };
  }

  #read(count: number): void {
    for (const { seq, id } of this.#state.messages.filter((message) => message.seq > this.#state.floor).slice(0, count)) {
      this.#has.add(id);
      this.#state = { ...this.#state, floor: seq };
    }
  }

  #purgeTo(seq: number, floor: number): void {
    const { messages, firstSeq, lastSeq } = this.#state;
    this.#state = {
      ...this.#state,
      messages: messages.filter((message) => message.seq > seq),
      firstSeq: Math.max(firstSeq, Math.min(seq, lastSeq) + 1),
      floor: Math.max(this.#state.floor, Math.min(floor, lastSeq)),
    };
  }

  #see(noted: Position | undefined): Seen {
    const { created, messages, firstSeq, lastSeq, lastTime, floor } = this.#state;
    const there = new Set(messages.map(({ seq }) => seq));
    const holes: number[] = [];
    for (let seq = firstSeq; seq <= lastSeq; seq += 1) if (!there.has(seq)) holes.push(seq);
    const stream = { created, firstSeq, lastSeq, lastTime, holes, server: `server ${this.#servers}` };
    const durable = { deliveredSeq: floor, ackFloorSeq: floor, idle: !messages.some(({ seq }) => seq > floor) };
    const at = messages.find(({ seq }) => seq === noted?.lastSeq)?.atMs;
    const notedLastTime = at === undefined || noted?.created !== created ? undefined : new Date(at).toISOString();
    const own = floorOf({ stream, durable, notedLastTime }, noted);
    return { stream, durable, notedLastTime, nextTimeMs: messages.find(({ seq }) => seq > own)?.atMs };
  }

  #check(): void {
    const seen = this.#see(this.#noted);
    const { findings, remake, lostFromMs } = judge(this.#noted, seen);
    this.found.push(...findings);
    if (findings.length === 0) {
      this.#noted = positionOf(seen, floorOf(seen, this.#noted), this.#noted);
      return;
    }
    if (remake) {
      const first = this.#state.messages.find(({ atMs }) => atMs >= lostFromMs);
      this.#state = { ...this.#state, floor: (first?.seq ?? this.#state.lastSeq + 1) - 1 };
    }
    for (const { id, atMs } of this.#published) if (atMs >= lostFromMs) this.#has.add(id);
    const after = this.#see(undefined);
    this.#noted = positionOf(after, floorOf(after), this.#noted);
  }
}
