import type { Event, WholeEvent } from '../../shared/core/types.ts';
import { isErased } from '../../shared/core/types.ts';
import { HISTORY_DURABLE } from '../projections/history.ts';
import { rowMender, type MendRow } from '../projections/history-audit.ts';
import type { AuditSubject, ReadModelAudit } from '../runtime/read-model.ts';
import type { HistoryStore, SessionKey } from '../stores/history/port.ts';
import { differingCells } from '../stores/history/row-difference.ts';
import type { HistoryScan } from '../stores/history/scan.ts';
import { ERASED_DATA, type CellValue } from '../stores/history/tables.ts';
import { archivedRow, lookAtArchive, type ArchiveLook, type BadSeq } from './archive-look.ts';
import type { AuditEdge } from './edge.ts';
import { Expected } from './expected.ts';
import type { AccountedLetter, Counts, Finding } from './finding.ts';
import { DEAD, EXPECTED_IN_STREAM, IN_ARCHIVE, IN_STREAM, PENDING, readLedger, type Ledger } from './ledger.ts';
import type { LetterBook, SessionLetters } from './letters.ts';
import { lookAtStream, type AuditStream } from './stream-look.ts';

/** What an audit looks at and works with. */
export interface AuditPorts {
  edge: AuditEdge;
  scan: HistoryScan;
  /** opened when something is mended */
  openStore: () => Promise<HistoryStore>;
  stream: AuditStream;
  letters: LetterBook;
  models: readonly { name: string; audit: ReadModelAudit }[];
  /** hands an event to every consumer once more */
  publish: (event: Event) => Promise<void>;
  /** epoch milliseconds */
  now: () => number;
  wait: (ms: number) => Promise<void>;
}

export interface LookBounds {
  /** things found in one look at one session: what is beyond comes in the next, once these are mended */
  findingsMax: number;
  /** accepted longer ago, and still without a receipt: missing, and not on its way */
  pendingMsMax: number;
}

export interface Look {
  epoch?: string;
  head: number;
  persisted: number;
  counts: Counts;
  deadLetters: AccountedLetter[];
  findings: Finding[];
  /** read models that events of this session are still on their way to */
  behind: string[];
  isCut: boolean;
  /** releases what the findings need to be mended */
  close(): Promise<void>;
}

/** Looks once at one session, everywhere. Rejects when something cannot be looked at. */
export async function lookAtSession(ports: AuditPorts, session: SessionKey, bounds: LookBounds): Promise<Look> {
  const ledger = await readLedger(ports.edge, session);
  if (ledger === undefined) return await unknownSession(ports, session);
  const expected = await Expected.open(session);
  try {
    return await new SessionLook(ports, ledger, expected, bounds).look();
  } catch (error) {
    await expected.close();
    throw error;
  }
}

/** The archive holds what the edge never heard of. */
async function unknownSession({ scan }: AuditPorts, session: SessionKey): Promise<Look> {
  const findings: Finding[] = [];
  for await (const page of scan.rows(session, 1, ['events'])) {
    const [first] = page;
    if (first === undefined) continue;
    findings.push({ tier: 'archive', kind: 'extra', place: `from ${first.rowKey}`, detail: 'the edge knows no such session' });
    break;
  }
  const counts = { events: 0, pending: 0, unverifiable: 0 };
  return {
    head: 0,
    persisted: 0,
    counts,
    deadLetters: [],
    findings,
    behind: [],
    isCut: false,
    close: async () => await Promise.resolve(),
  };
}

class SessionLook {
  readonly #ports: AuditPorts;
  readonly #ledger: Ledger;
  readonly #expected: Expected;
  readonly #bounds: LookBounds;
  readonly #letters: SessionLetters;
  readonly #mendRow: MendRow;
  readonly #findings: Finding[] = [];
  /** by seq, when JetStream stored what was copied */
  readonly #copies = new Map<number, number>();
  readonly #behind: string[] = [];
  #lastStreamSeq = 0;
  #pending = 0;
  #isCut = false;
  /** events that the archive has not taken, and that other read models may have */
  #isArchiveBehind = false;
  #erasuresToCome: Promise<Set<number>> | undefined;

  constructor(ports: AuditPorts, ledger: Ledger, expected: Expected, bounds: LookBounds) {
    this.#ports = ports;
    this.#ledger = ledger;
    this.#expected = expected;
    this.#bounds = bounds;
    this.#letters = ports.letters.of(ledger.session);
    this.#mendRow = rowMender(ports.openStore, ports.now);
  }

  async look(): Promise<Look> {
    const { marks, head } = this.#ledger;
    for (const seq of this.#seqsOfLetters(HISTORY_DURABLE)) this.#ledger.mark(seq, DEAD);
    const firstMs = await this.#ports.stream.firstMs();
    const archive = await lookAtArchive(this.#ports.scan, this.#ledger, this.#expected, {
      streamFirstMs: firstMs,
      findingsMax: this.#bounds.findingsMax,
      // asked of the edge once, and only where it matters
      isErasureToCome: async (seq) => (await (this.#erasuresToCome ??= this.#readErasuresToCome())).has(seq),
    });
    this.#isCut ||= archive.isCut;
    for (const { place, detail } of archive.extra) this.#found({ tier: 'archive', kind: 'extra', place, detail });
    if (!archive.isCut) this.#findMissing(archive.bad);
    await this.#copyFromTail(archive.bad);
    await this.#lookAtStream(archive.bad, firstMs);
    await this.#expected.flush();
    this.#reportArchive(archive);
    // rows cannot be judged by half of the events
    if (!archive.isCut) await this.#lookAtModels(archive.bad);
    return {
      epoch: marks.epoch,
      head,
      persisted: marks.persisted,
      counts: { events: head, pending: this.#pending, unverifiable: archive.unverifiable },
      deadLetters: this.#accounted(),
      findings: this.#findings,
      behind: this.#behind,
      isCut: this.#isCut,
      close: async () => await this.#expected.close(),
    };
  }

  /** What the archive does not hold is on its way, a dead letter, or missing. */
  #findMissing(bad: Map<number, BadSeq>): void {
    const { marks, head } = this.#ledger;
    const overdueBefore = this.#ports.now() - this.#bounds.pendingMsMax;
    const isOverdue = (marks.oldestPendingAtMs ?? Number.POSITIVE_INFINITY) < overdueBefore;
    for (let seq = 1; seq <= head; seq += 1) {
      if (this.#ledger.is(seq, IN_ARCHIVE)) continue;
      const isOnItsWay = this.#ledger.is(seq, PENDING) && !isOverdue;
      if (isOnItsWay) this.#pending += 1;
      this.#isArchiveBehind ||= isOnItsWay || this.#ledger.is(seq, DEAD);
      if (isOnItsWay || this.#ledger.is(seq, DEAD)) bad.delete(seq);
      else if (bad.size >= this.#bounds.findingsMax) this.#isCut = true;
      else if (!bad.has(seq)) bad.set(seq, { kind: 'missing', detail: 'is not there' });
    }
  }

  async #copyFromTail(bad: ReadonlyMap<number, BadSeq>): Promise<void> {
    const { session, marks } = this.#ledger;
    const wanted = [...bad.keys()].filter((seq) => seq >= marks.floor).toSorted((a, b) => a - b);
    for (let at = 0; at < wanted.length;) {
      const from = wanted[at] ?? 0;
      const events = await this.#ports.edge.events(session, from, wanted.at(-1) ?? from);
      const last = events.at(-1)?.seq;
      if (last === undefined) return;
      for (const event of events) if (bad.has(event.seq)) await this.#copy(event, this.#ports.now());
      while ((wanted[at] ?? Number.POSITIVE_INFINITY) <= last) at += 1;
    }
  }

  async #copy(event: Event, publishedAtMs: number): Promise<void> {
    if (this.#copies.has(event.seq)) return;
    this.#copies.set(event.seq, publishedAtMs);
    await this.#expected.take(event, { publishedAtMs, persistedAtMs: this.#ports.now() });
  }

  async #lookAtStream(bad: ReadonlyMap<number, BadSeq>, firstMs: number): Promise<void> {
    const { stream } = this.#ports;
    const { wrong, isCut, lastStreamSeq } = await lookAtStream(
      stream,
      this.#ledger,
      this.#letters,
      this.#bounds.findingsMax,
      (seq) => bad.has(seq) && !this.#copies.has(seq),
      async (event, publishedAtMs) => await this.#copy(event, publishedAtMs),
    );
    this.#lastStreamSeq = lastStreamSeq;
    this.#isCut ||= isCut;
    for (const { kind, place, detail } of wrong) this.#found({ tier: 'stream', kind, place, detail });
    // the oldest may have gone while the others were read
    if ((await stream.firstMs()) !== firstMs) return;
    for (let seq = 1; seq <= this.#ledger.head; seq += 1) {
      if (!this.#ledger.is(seq, EXPECTED_IN_STREAM) || this.#ledger.is(seq, IN_STREAM)) continue;
      this.#found({
        tier: 'stream',
        kind: 'missing',
        place: String(seq),
        detail: 'was stored, and is gone before its time',
        mend: async () => await this.#publishAgain(seq),
      });
    }
  }

  async #publishAgain(seq: number): Promise<void> {
    const event = await this.#expected.event(seq);
    if (event !== undefined) await this.#ports.publish(event);
  }

  #reportArchive({ bad, unerased }: ArchiveLook): void {
    for (const [seq, { kind, detail, found }] of bad) {
      const place = String(seq);
      if (this.#copies.has(seq)) {
        this.#found({
          tier: 'archive',
          kind,
          place,
          detail,
          mend: async (attempt) => await this.#mendEvent(seq, found, attempt),
        });
      } else if (kind === 'missing') {
        this.#found({ tier: 'archive', kind: 'lost', place, detail: `${detail}, and neither the edge nor the stream has it` });
      } else this.#found({ tier: 'archive', kind, place, detail: `${detail}; no right copy is left` });
    }
    for (const [seq, found] of unerased) {
      const row = { table: 'events', key: { seq } } as const;
      const expected = { cells: { data: ERASED_DATA }, clocks: {} };
      this.#found({
        tier: 'archive',
        kind: 'different',
        place: String(seq),
        detail: 'holds content that the edge has erased',
        mend: this.#mendRow(this.#ledger.session, row, { expected, found, cells: ['data'] }),
      });
    }
  }

  async #mendEvent(seq: number, found: BadSeq['found'], attempt: number): Promise<void> {
    const event = await this.#expected.event(seq);
    if (event === undefined) return;
    const nowMs = this.#ports.now();
    const { publishedAt, persistedAt } = found?.cells ?? {};
    const expected = archivedRow(event, timeOr(publishedAt, this.#copies.get(seq) ?? nowMs), timeOr(persistedAt, nowMs));
    const cells = found === undefined ? Object.keys(expected.cells) : differingCells(expected, found, true);
    await this.#mendRow(this.#ledger.session, { table: 'events', key: { seq } }, { expected, found, cells })(attempt);
  }

  /** What deletions erase that the archive has not taken yet, because they are on their way or dead letters. */
  async #readErasuresToCome(): Promise<Set<number>> {
    const { marks, session, head } = this.#ledger;
    const covered = new Set<number>();
    const from = Math.min(...marks.pending.map((range) => range.from), ...this.#seqsOfLetters(HISTORY_DURABLE), head + 1);
    for (let next = Math.max(from, marks.floor); next <= head;) {
      const events = await this.#ports.edge.events(session, next, head);
      const last = events.at(-1);
      if (last === undefined) break;
      for (const event of events) {
        const isToCome = this.#ledger.is(event.seq, PENDING | DEAD);
        if (isToCome && !isErased(event)) for (const seq of coveredBy(event)) covered.add(seq);
      }
      next = last.seq + 1;
    }
    return covered;
  }

  async #lookAtModels(bad: ReadonlyMap<number, BadSeq>): Promise<void> {
    const { session, head, marks } = this.#ledger;
    const isDeleted = marks.isDeleted && this.#ledger.is(head, IN_ARCHIVE);
    const isIncomplete = [...bad.keys()].some((seq) => !this.#copies.has(seq));
    for (const { name, audit } of this.#ports.models) {
      // what the archive holds of a session, its rows hold too: receipts say how far the history is
      const settled = name === HISTORY_DURABLE ? undefined : await this.#ports.stream.settledTo(name);
      if (settled !== undefined && settled < this.#lastStreamSeq) {
        this.#behind.push(name);
        continue;
      }
      const subject: AuditSubject = {
        ...session,
        head,
        isDeleted,
        isIncomplete: isIncomplete || (name !== HISTORY_DURABLE && this.#isArchiveBehind),
        events: () => this.#expected.events(head),
        isErased: async (seq) => {
          const event = await this.#expected.event(seq);
          return event !== undefined && isErased(event);
        },
        expectedRows: (tables) => this.#expected.rows(head, tables),
        deadLetters: new Set(this.#seqsOfLetters(name)),
      };
      for await (const finding of audit.look(subject)) {
        if (this.#isFull()) break;
        this.#found({ tier: name, ...finding });
      }
    }
  }

  #isFull(): boolean {
    return this.#findings.length >= this.#bounds.findingsMax;
  }

  #found(finding: Finding): void {
    if (this.#isFull()) this.#isCut = true;
    else this.#findings.push(finding);
  }

  #seqsOfLetters(consumer: string): number[] {
    const told = consumer === HISTORY_DURABLE ? this.#ledger.marks.failures.map(({ seq }) => seq) : [];
    const stored = this.#letters.filter((letter) => letter.consumer === consumer).flatMap(({ seq }) => seq ?? []);
    return [...new Set([...told, ...stored])].filter((seq) => seq <= this.#ledger.head);
  }

  #accounted(): AccountedLetter[] {
    const { failures } = this.#ledger.marks;
    const all = [
      ...failures.map(({ seq, consumer, code }) => ({ consumer, seq, reason: code })),
      ...this.#letters.flatMap(({ consumer, seq, reason }) => (seq === undefined ? [] : [{ consumer, seq, reason }])),
    ];
    return [...new Map(all.map((letter) => [`${letter.consumer} ${letter.seq}`, letter])).values()];
  }
}

/** What lies there, when it is a time. */
function timeOr(found: CellValue | undefined, ms: number): number {
  return typeof found === 'number' && found > 0 ? found : ms;
}

/** The seqs whose content an event erases (contract §3). */
function coveredBy(event: WholeEvent): number[] {
  if (event.type === 'message.deleted') return [event.data.messageSeq, ...(event.data.updatedSeqs ?? [])];
  if (event.type === 'session.deleted') return Array.from({ length: event.seq - 1 }, (_none, index) => index + 1);
  if (event.type !== 'trace.purged') return [];
  const { traceSeq, finishedSeq, spanSeqs = [], updatedSeqs = [] } = event.data;
  return [traceSeq, ...spanSeqs, ...updatedSeqs, ...(finishedSeq === undefined ? [] : [finishedSeq])];
}
