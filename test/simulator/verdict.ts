import type { Event } from '../../shared/core/types.ts';
import { commandStatus } from '../../worker/session/queries.ts';
import { isErasedData, type Checker, type Sighting } from './checker.ts';
import { languageSaid, notNewest } from './builds.ts';
import { expectedRows, type Rows } from './expected-rows.ts';
import type { Ledger } from './ledger.ts';
import { countVerdict, figuresVerdict, indexVerdict } from './other-verdicts.ts';
import { READ_MODELS, type Holdings } from './read-models.ts';
import type { SessionObject } from './session-object.ts';
import { WITNESS, type Witness } from './witness.ts';

interface ArchivedRow {
  seq: number;
  envelope: string;
  data: string;
}

/** After healing: what must be true of every session, everywhere (P1, P2, P3, P6, P7). */
export async function judge(
  checker: Checker,
  objects: Iterable<SessionObject>,
  ledger: Ledger,
  { witness, others }: Holdings,
): Promise<void> {
  const all = [...objects];
  checker.ledgerVerdict(ledger);
  for (const object of all) {
    const { sessionId } = object.identity;
    edgeVerdict(checker, object);
    archiveVerdict(checker, object);
    if (checker.isDeleted(sessionId)) deletionVerdict(checker, object);
    else rowsVerdict(checker, object);
    witnessVerdict(checker, object, witness);
    indexVerdict(checker, sessionId, others);
    countVerdict(checker, sessionId, others);
    await statusVerdict(checker, object, ledger);
  }
  const sessionIds = all.map(({ identity }) => identity.sessionId);
  await figuresVerdict(checker, sessionIds, others);
  lettersVerdict(checker);
}

/** The edge has a run of events without a gap, and nobody saw another value of one. */
function edgeVerdict(checker: Checker, object: SessionObject): void {
  const { sessionId } = object.identity;
  const rows = object.storage.sql.exec<{ seq: number; body: string }>('SELECT seq, body FROM events ORDER BY seq').toArray();
  rows.forEach(({ seq, body }, at) => {
    const first = rows[0]?.seq ?? 1;
    if (seq !== first + at) checker.broke('P2', `the edge's events of ${sessionId} have a gap before seq ${seq}`);
    checker.saw(JSON.parse(body) as Event, 'the edge');
    // as whoever looks into it reads it
    const read = object.room?.events.one(seq);
    const why = read === undefined ? undefined : notNewest(read, object.build);
    if (why !== undefined) checker.broke('nobody guesses', `the edge reads seq ${seq} of ${sessionId} as ${why}`);
  });
}

function archiveVerdict(checker: Checker, object: SessionObject): void {
  const { sessionId } = object.identity;
  const head = headOf(object);
  const held = archivedRows(checker, sessionId);
  const bySeq = new Map(held.map((row) => [row.seq, row]));
  for (let seq = 1; seq <= head; seq += 1) {
    const row = bySeq.get(seq);
    const isSettled = row !== undefined || checker.hasLetter(sessionId, seq);
    if (!isSettled && !isOnlyAtTheEdge(checker, object, seq))
      checker.broke('P1', `seq ${seq} of ${sessionId} is neither in the archive nor a dead letter`);
    if (row === undefined) continue;
    bySeq.delete(seq);
    checker.saw({ ...(JSON.parse(row.envelope) as Event), data: JSON.parse(row.data) as never }, 'the archive');
  }
  for (const seq of bySeq.keys()) checker.broke('P1', `the archive of ${sessionId} holds seq ${seq}, which there never was`);
}

/** The second read model has every event that there is, as it is or erased, and none that there is not. */
function witnessVerdict(checker: Checker, object: SessionObject, witness: Witness): void {
  const { sessionId } = object.identity;
  const head = headOf(object);
  const held = witness.events.get(sessionId) ?? new Map<number, Event>();
  for (let seq = 1; seq <= head; seq += 1) {
    if (!held.has(seq) && checker.mustReach({ sessionid: sessionId, seq }, WITNESS))
      checker.broke('P1', `seq ${seq} of ${sessionId} did not reach the second read model`);
  }
  for (const [seq, event] of held) {
    if (seq > head) checker.broke('P1', `the second read model has seq ${seq} of ${sessionId}, which there never was`);
    checker.saw(event, 'the second read model');
    const language = witness.languages.get(`${sessionId} ${seq}`);
    if (language !== languageSaid(event))
      checker.broke(
        'P1',
        `the second read model has language ${language} for seq ${seq} of ${sessionId}, stored as ${event.dataschema}`,
      );
  }
}

/** The read model's rows are what the archived events make, whatever order they came in. */
function rowsVerdict(checker: Checker, object: SessionObject): void {
  const { sessionId } = object.identity;
  const sightings = checker.sightings.get(sessionId);
  const archived = new Set(archivedRows(checker, sessionId).map(({ seq }) => seq));
  const all = [...(sightings?.values() ?? [])].map(({ event }) => event);
  const events = all.filter(({ seq }) => archived.has(seq));
  // a deletion that is a dead letter leaves its message as far as the others brought it
  const spoiled = new Set(all.filter(({ seq }) => !archived.has(seq)).map(({ subject }) => subject));
  const { rows: expected, erased } = expectedRows(events);
  const found = storedRows(checker, sessionId);
  for (const table of Object.keys(expected) as (keyof Rows)[]) {
    const stored = found[table];
    for (const [key, row] of expected[table]) {
      if (stored.get(key) !== row && !spoiled.has(subjectOf(table, key, sightings)))
        checker.broke('P1', `${table} ${key} of ${sessionId} is ${stored.get(key)}, and should be ${row}`);
      stored.delete(key);
    }
    for (const [key, row] of stored) checker.broke('P1', `${table} ${key} of ${sessionId} is ${row}, and nothing made it`);
  }
  for (const row of archivedRows(checker, sessionId)) {
    const shouldBeErased = erased.has(row.seq);
    if (spoiled.has(subjectOf('messages', String(row.seq), sightings))) continue;
    if (isErasedData(JSON.parse(row.data)) !== shouldBeErased) {
      checker.broke('P1', `seq ${row.seq} of ${sessionId} ${shouldBeErased ? 'is not erased' : 'is erased'} in the archive`);
    }
  }
}

/** Of a deleted session nothing is left but that it was deleted (contract §3), in the archive as in the rows. */
function deletionVerdict(checker: Checker, object: SessionObject): void {
  const { sessionId } = object.identity;
  const deletedAt = checker.deletedAt(sessionId) ?? 0;
  // a deletion that is a dead letter has reached nobody yet
  if (!checker.archived(sessionId, deletedAt)) return;
  for (const { seq, data } of archivedRows(checker, sessionId)) {
    if (isErasedData(JSON.parse(data)) !== seq < deletedAt)
      checker.broke('P1', `seq ${seq} of ${sessionId}, deleted at ${deletedAt}, has data ${data}`);
  }
  const { database } = checker.archive;
  const count = (sql: string): number => Number(database.prepare(sql).get('default', sessionId)?.['n']);
  const where = 'WHERE tenant = ? AND session_id = ?';
  const left = {
    texts: count(`SELECT count(*) AS n FROM messages ${where} AND text <> ''`),
    members: count(`SELECT count(*) AS n FROM members ${where} AND active = 1`),
    reactions: count(`SELECT count(*) AS n FROM reactions ${where} AND active = 1`),
    titles: count(`SELECT count(*) AS n FROM sessions ${where} AND (title <> '' OR status <> 'deleted')`),
  };
  for (const [what, n] of Object.entries(left)) if (n > 0) checker.broke('P1', `${n} ${what} of ${sessionId} outlived it`);
}

/** Every command that has an event is persisted, or failed with its dead letter (P6, and liveness). */
async function statusVerdict(checker: Checker, object: SessionObject, ledger: Ledger): Promise<void> {
  const { sessionId } = object.identity;
  const asked = ledger.entries.flatMap((entry) => {
    const { outcome } = entry;
    if (entry.sessionId !== sessionId || outcome?.kind !== 'accepted' || outcome.accepted.eventId === null) return [];
    return [{ entry, accepted: outcome.accepted }];
  });
  const statuses = await object.read((room) =>
    asked.map(({ entry, accepted }) => commandStatus(room, { id: entry.userId, kind: 'user' }, accepted.commandId)),
  );
  asked.forEach(({ entry, accepted }, at) => {
    const found = statuses[at];
    if (found === undefined) return;
    checker.status(entry, found, { askedMs: Infinity, heardMs: Infinity });
    if (!found.ok) return;
    const { status } = found.value;
    if (status === 'failed') {
      if (!checker.hasLetter(sessionId, accepted.seq) && !isOnlyAtTheEdge(checker, object, accepted.seq))
        checker.broke('P7', `seq ${accepted.seq} of ${sessionId} is failed without a dead letter`);
    } else if (status !== 'persisted') checker.broke('liveness', `seq ${accepted.seq} of ${sessionId} is still ${status}`);
  });
}

/** Each poison is one dead letter, and nothing else is one unless it was delivered too often (P7). */
function lettersVerdict(checker: Checker): void {
  for (const [name, kind] of checker.archive.poisons) {
    const [, sessionId = '', seq = ''] = name.split(' ');
    const isForgotten = checker.forgottenLetters.has(`${sessionId} ${seq}`);
    if (!isForgotten && !checker.hasLetter(sessionId, Number(seq)))
      checker.broke('P7', `${name} is poison (${kind}) and no dead letter`);
  }
  for (const { sessionId, seq, consumer } of checker.unknownLetters())
    checker.broke('P7', `the letter of seq ${seq} of ${sessionId} at ${consumer} was not redriven`);
  for (const { sessionId, seq, reason, consumer } of checker.letters) {
    const isPoison = consumer === 'history' && checker.archive.poisons.has(`default ${sessionId} ${seq}`);
    if (!isPoison && reason !== 'deliveries_exhausted' && reason !== 'retries_exhausted') {
      checker.broke('P7', `seq ${seq} of ${sessionId} is a dead letter (${reason}) and nothing was wrong with it`);
    }
  }
  for (const id of checker.garbageMayBeLost ? [] : checker.garbage) {
    for (const consumer of READ_MODELS) {
      if (!checker.garbageLetters.has(`${consumer} ${id}`))
        checker.broke('P7', `${id} is no event, and no dead letter of ${consumer}`);
    }
  }
}

/** Whose row it is, where rows have a seq for a key. */
function subjectOf(table: keyof Rows, key: string, sightings: ReadonlyMap<number, Sighting> | undefined): string {
  return table === 'messages' ? (sightings?.get(Number(key))?.event.subject ?? '') : '';
}

/** The server took its dead letter and forgot it: the Session keeps the event, as failed. */
function isOnlyAtTheEdge(checker: Checker, object: SessionObject, seq: number): boolean {
  if (!checker.forgottenLetters.has(`${object.identity.sessionId} ${seq}`)) return false;
  return object.storage.sql.exec('SELECT 1 FROM events WHERE seq = ?', seq).toArray().length > 0;
}

export function headOf(object: SessionObject): number {
  return object.storage.sql.exec<{ seq: number }>('SELECT seq FROM events ORDER BY seq DESC LIMIT 1').toArray()[0]?.seq ?? 0;
}

function archivedRows(checker: Checker, sessionId: string): ArchivedRow[] {
  return checker.archive.database
    .prepare('SELECT seq, envelope, data FROM events WHERE tenant = ? AND session_id = ? AND envelope IS NOT NULL ORDER BY seq')
    .all('default', sessionId) as unknown as ArchivedRow[];
}

function storedRows({ archive: { database } }: Checker, sessionId: string): Rows {
  const all = (sql: string): Record<string, unknown>[] => database.prepare(sql).all('default', sessionId);
  const where = 'WHERE tenant = ? AND session_id = ?';
  const rows = (sql: string, key: (row: Record<string, unknown>) => string, value: (row: Record<string, unknown>) => unknown) =>
    new Map(all(sql).map((row) => [key(row), JSON.stringify(value(row))]));
  return {
    messages: rows(
      `SELECT seq, id, author, text, deleted_at IS NOT NULL AS gone FROM messages ${where} AND created_at IS NOT NULL`,
      ({ seq }) => String(seq),
      ({ id, author, text, gone }) => ({ id, author, text, gone: gone === 1 }),
    ),
    reactions: rows(
      `SELECT message_seq, emoji, user_id, active FROM reactions ${where}`,
      (row) => [row['message_seq'], row['emoji'], row['user_id']].map(String).join(' '),
      ({ active }) => active === 1,
    ),
    members: rows(
      `SELECT user_id, role, active FROM members ${where}`,
      (row) => String(row['user_id']),
      ({ role, active }) => ({ role, active: active === 1 }),
    ),
    sessions: rows(
      `SELECT title, status FROM sessions ${where}`,
      () => 'session',
      ({ title, status }) => ({ title, status }),
    ),
  };
}
