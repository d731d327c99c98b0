import type { Message, WireEvent } from './answers.ts';
import { equalJson, type AcceptedMessage, type SessionEvidence } from './evidence.ts';

/** What is judged of each session. */
export const ASPECTS = ['complete', 'ordered', 'persisted', 'same'] as const;
export type Aspect = (typeof ASPECTS)[number];

export interface Difference {
  aspect: Aspect;
  what: string;
}

export interface Verdict {
  sessionId: string;
  /** how many differences of each aspect; 0 is what is promised */
  counts: Record<Aspect, number>;
  /** the first ones, DIFFERENCES_KEPT_MAX of each aspect */
  differences: Difference[];
}

const DIFFERENCES_KEPT_MAX = 10;

class Findings {
  readonly counts: Record<Aspect, number> = { complete: 0, ordered: 0, persisted: 0, same: 0 };
  readonly differences: Difference[] = [];

  add(aspect: Aspect, what: string): void {
    this.counts[aspect] += 1;
    if (this.counts[aspect] <= DIFFERENCES_KEPT_MAX) this.differences.push({ aspect, what });
  }
}

/** Judges one session by what was seen of it from outside: promises P1 to P4 of the design, as far as a client can tell. */
export function check(evidence: SessionEvidence): Verdict {
  const findings = new Findings();
  for (const fault of evidence.faults) findings.add('complete', fault);
  if (evidence.accepted.length !== evidence.sent) {
    findings.add('complete', `${evidence.sent} messages were sent, ${evidence.accepted.length} accepted`);
  }
  checkAccepted(evidence, findings);
  checkEvents(evidence, findings);
  checkMessages(evidence, findings);
  checkSockets(evidence, findings);
  checkStatuses(evidence, findings);
  return { sessionId: evidence.sessionId, counts: findings.counts, differences: findings.differences };
}

export function isClean(verdict: Verdict): boolean {
  return ASPECTS.every((aspect) => verdict.counts[aspect] === 0);
}

/** The 202s among themselves: own seqs, and never below one that had been answered before they were sent. */
function checkAccepted({ accepted, setup }: SessionEvidence, findings: Findings): void {
  const bySeq = new Map<number, string>();
  for (const each of [...setup, ...accepted]) {
    if (each.eventId === null) continue;
    const other = bySeq.get(each.seq);
    if (other !== undefined)
      findings.add('ordered', `seq ${each.seq} was answered to two commands: ${other} and ${each.commandId}`);
    bySeq.set(each.seq, each.commandId);
  }
  const lastOf = new Map<string, AcceptedMessage>();
  for (const each of accepted.toSorted((a, b) => a.index - b.index)) {
    if (each.seq <= each.floorSeq) {
      findings.add('ordered', `${label(each)} was sent after seq ${each.floorSeq} was answered, and got seq ${each.seq}`);
    }
    const before = lastOf.get(each.userId);
    if (before !== undefined && before.seq >= each.seq) {
      findings.add('ordered', `${label(each)} got seq ${each.seq}, the same user's message before it ${before.seq}`);
    }
    lastOf.set(each.userId, each);
  }
}

/** The log over HTTP: gap-free from 1, ordinals too, clocks rising, every 202 once with its text, and nothing else. */
function checkEvents(evidence: SessionEvidence, findings: Findings): void {
  const { events, accepted, setup, head } = evidence;
  if (events.length !== head) findings.add('complete', `the head is ${head}, and ${events.length} events were read`);
  let ordinal = 0;
  let clock = 0n;
  events.forEach((event, at) => {
    if (event.seq !== at + 1) findings.add('ordered', `event ${at + 1} over HTTP has seq ${event.seq}`);
    if (!/^\d+$/.test(event.clock) || BigInt(event.clock) <= clock) {
      findings.add('ordered', `seq ${event.seq}: the clock ${event.clock} does not rise`);
    } else clock = BigInt(event.clock);
    if (event.type !== 'message.created') return;
    ordinal += 1;
    if (event.data['ordinal'] !== ordinal) {
      findings.add('ordered', `seq ${event.seq}: the ordinal is ${String(event.data['ordinal'])} instead of ${ordinal}`);
    }
  });
  const byCommand = groupBy(events, (event) => event.causationid);
  for (const each of setup) {
    if (each.eventId !== null) expectOnce(byCommand.get(each.commandId), each, `command ${each.commandId}`, findings);
  }
  for (const each of accepted) {
    const event = expectOnce(byCommand.get(each.commandId), each, label(each), findings);
    if (event === undefined) continue;
    if (event.type !== 'message.created') findings.add('complete', `${label(each)}: its event is a ${event.type}`);
    if (event.subject !== each.entityId)
      findings.add('complete', `${label(each)}: its event is of ${event.subject}, not ${each.entityId}`);
    if (event.actor !== each.userId) findings.add('complete', `${label(each)}: its event is by ${event.actor}`);
    if (event.data['text'] !== each.text)
      findings.add('complete', `${label(each)}: its event has another text: ${excerpt(event.data['text'])}`);
  }
  const answered = new Set([...setup, ...accepted].map((each) => each.commandId));
  for (const event of events) {
    if (!answered.has(event.causationid))
      findings.add('complete', `seq ${event.seq} (${event.type}) is of no command that was answered 202`);
  }
}

function expectOnce(
  found: readonly WireEvent[] | undefined,
  answered: { seq: number; eventId: string | null },
  name: string,
  findings: Findings,
): WireEvent | undefined {
  if (found === undefined) {
    findings.add('complete', `${name} was answered 202 with seq ${answered.seq} and has no event over HTTP`);
    return undefined;
  }
  if (found.length > 1) {
    findings.add('complete', `${name} has ${found.length} events over HTTP: seqs ${found.map((each) => each.seq).join(', ')}`);
  }
  const event = found.find((each) => each.id === answered.eventId);
  if (event === undefined) findings.add('complete', `${name} was answered event ${answered.eventId}, and has ${found[0]?.id}`);
  else if (event.seq !== answered.seq)
    findings.add('ordered', `${name} was answered seq ${answered.seq}, and has seq ${event.seq}`);
  return event;
}

/** The message pages: newest first, each accepted message once, as it was sent. */
function checkMessages({ sessionId, messages, accepted }: SessionEvidence, findings: Findings): void {
  messages.forEach((message, at) => {
    const newer = messages[at - 1];
    if (newer !== undefined && newer.seq <= message.seq) {
      findings.add('ordered', `the message pages have seq ${message.seq} after ${newer.seq}: not newest first`);
    }
  });
  const byId = groupBy(messages, (message) => message.id);
  for (const each of accepted) {
    const found = byId.get(each.entityId);
    const message = found?.[0];
    if (message === undefined) findings.add('complete', `${label(each)} with seq ${each.seq} is on no message page`);
    else if (found !== undefined && found.length > 1)
      findings.add('complete', `${label(each)} is on the message pages ${found.length} times`);
    else compareMessage(message, each, sessionId, findings);
  }
  const sent = new Set(accepted.map((each) => each.entityId));
  for (const message of messages) {
    if (!sent.has(message.id)) findings.add('complete', `message ${message.id} with seq ${message.seq} was not sent by this run`);
  }
}

function compareMessage(message: Message, sent: AcceptedMessage, sessionId: string, findings: Findings): void {
  if (message.text !== sent.text) findings.add('complete', `${label(sent)}: its page has another text: ${excerpt(message.text)}`);
  if (message.author.id !== sent.userId) findings.add('complete', `${label(sent)}: its page has the author ${message.author.id}`);
  if (message.seq !== sent.seq) findings.add('ordered', `${label(sent)}: its page has seq ${message.seq} instead of ${sent.seq}`);
  if (message.sessionId !== sessionId) findings.add('complete', `${label(sent)}: its page is of session ${message.sessionId}`);
  if (message.status !== 'completed') findings.add('complete', `${label(sent)}: its page has the status ${message.status}`);
}

/** Each socket got every event once, in order, and each is what HTTP has. */
function checkSockets({ events, sockets }: SessionEvidence, findings: Findings): void {
  const overHttp = new Map(events.map((event) => [event.seq, JSON.stringify(event)]));
  for (const { userId, seen } of sockets) {
    let last = 0;
    for (const event of seen) {
      if (event.seq > last + 1) findings.add('same', `the socket of ${userId} has a gap: ${last + 1} to ${event.seq - 1}`);
      else if (event.seq <= last) findings.add('same', `the socket of ${userId} got seq ${event.seq} after ${last}`);
      last = Math.max(last, event.seq);
      const expected = overHttp.get(event.seq);
      if (expected === undefined) findings.add('same', `the socket of ${userId} got seq ${event.seq}, which HTTP has not`);
      else if (expected !== event.json && !equalJson(expected, event.json)) {
        findings.add('same', `the socket of ${userId} got another seq ${event.seq} than HTTP has`);
      }
    }
    if (last < events.length) findings.add('same', `the socket of ${userId} ends at seq ${last}, HTTP at ${events.length}`);
  }
}

/** Every 202 became `persisted`, with times that do not go back. */
function checkStatuses({ accepted, setup, statuses }: SessionEvidence, findings: Findings): void {
  for (const each of [...setup, ...accepted]) {
    if (each.eventId === null) continue;
    const status = statuses.get(each.commandId);
    const name = `command ${each.commandId} (seq ${each.seq})`;
    if (status === undefined) {
      findings.add('persisted', `${name} has no status`);
      continue;
    }
    if (status.status !== 'persisted') {
      const why = status.failure === undefined ? '' : `: ${status.failure.code} ${status.failure.detail}`;
      findings.add('persisted', `${name} is ${status.status}${why}`);
      continue;
    }
    if (status.seq !== each.seq || status.eventId !== each.eventId) {
      findings.add('persisted', `${name}: its status speaks of seq ${status.seq}, event ${status.eventId}`);
    }
    const times = [status.acceptedAt, status.publishedAt ?? '', status.persistedAt ?? ''];
    if (times.some((time, at) => time === '' || time < (times[at - 1] ?? ''))) {
      findings.add(
        'persisted',
        `${name}: accepted, published and persisted at ${times.map((time) => time || 'no time').join(', ')}`,
      );
    }
  }
}

function groupBy<T>(items: readonly T[], key: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const group = groups.get(key(item));
    if (group === undefined) groups.set(key(item), [item]);
    else group.push(item);
  }
  return groups;
}

function label(message: AcceptedMessage): string {
  return `message ${message.index + 1} of ${message.userId} (${excerpt(message.text)})`;
}

function excerpt(text: unknown): string {
  const json = JSON.stringify(text) ?? 'undefined';
  return json.length <= 48 ? json : `${json.slice(0, 47)}…`;
}
