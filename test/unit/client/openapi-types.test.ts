import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { ensureOpenapiTypescript } from '../../../scripts/launch/openapi-typescript.mjs';
import { openApiDocument } from '../../../worker/openapi/document.ts';
import { ROOT } from '../repository/files.ts';
import { requireOrSkip } from '../../support/requirement.ts';

/** an install at the first time, and a compiler */
const MS_MAX = 300_000;

/** operations that are no queries: doors to sockets, health, documents. The client opens the first four by itself. */
const NO_QUERIES = ['ticket.issue', 'socket.open', 'inbox.ticket', 'inbox.open', 'health.live', 'health.ready', 'metrics.read'];

/**
 * Compiles only when every operation of the document is one of the client's commands, queries or operator's calls, asked with the
 * same parameters and answered with the same type.
 */
const CHECK = `
import type { operations } from './openapi.d.ts';
import type { CommandData, EventData, EventType, Outcome, Queries, WholeEventOf } from '${ROOT}/client/index.ts';
import type { AdminActions, AdminQueries, AnalyticsAnswer, AnalyticsPoints, AnalyticsQuery, AnalyticsSpan } from '${ROOT}/client/admin/index.ts';

type Documented = Exclude<keyof operations, ${[...NO_QUERIES].map((id) => `'${id}'`).join(' | ')} | \`documents.\${string}\`>;
type Missing = Exclude<Documented, keyof CommandData | keyof Queries | keyof AdminActions | keyof AdminQueries | 'analytics.query'>;
export const missing: Or<Missing, 0> = 0;

/** Written out: readonly and further members of loose objects make no other type here, nor does the array that is always empty. */
type Plain<T> = T extends readonly (infer Item)[]
  ? Plain<Item>[]
  : T extends object
    ? { -readonly [K in keyof T as string extends K ? never : number extends K ? never : K]: K extends 'attachments' ? [] : Plain<T[K]> }
    : T;
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
type Unless<Fine, Name> = Fine extends true ? never : Name;
type Or<T, Else> = [T] extends [never] ? Else : T;

/** optional fields of the operator's client may be given as undefined, too */
type Defined<T> = { [K in keyof T]: Exclude<T[K], undefined> };
type PathOf<K extends keyof operations> = operations[K]['parameters'] extends { path: infer P } ? P : {};
type QueryOf<K extends keyof operations> = operations[K]['parameters'] extends { query?: infer Q } ? Or<Exclude<Q, undefined>, {}> : {};
type BodyOf<K extends keyof operations> = operations[K] extends { requestBody?: { content: { 'application/json': infer B } } } ? B : {};
type AnswerOf<K extends keyof operations, Status extends number> = operations[K]['responses'] extends Record<Status, { content: { 'application/json': infer A } }> ? A : never;

/** path parameter → field of the command's data */
type Field<P> = P extends 'm' ? 'messageId' : P extends 't' ? 'traceId' : P;
type FieldsOf<K extends keyof operations> = { [P in keyof PathOf<K> as P extends 's' ? never : Field<P> & string]: PathOf<K>[P] };

type Names = keyof operations & keyof CommandData;
type WrongData = { [K in Names]: Unless<Same<Plain<BodyOf<K> & FieldsOf<K>>, Plain<CommandData[K]>>, K> }[Names];
export const wrongData: Or<WrongData, 0> = 0;
type WrongOutcome = { [K in Names]: Unless<Same<Plain<AnswerOf<K, 202>>, Plain<Omit<Outcome, 'replayed'>>>, K> }[Names];
export const wrongOutcome: Or<WrongOutcome, 0> = 0;

type Asked = keyof operations & keyof Queries;
/** compared type by type below */
type Answered = Exclude<Asked, 'events.list'>;
/** what a client leaves to its server-sent events */
type Without<Q> = Omit<Q, 'signals'>;
type WrongParams = { [K in Asked]: Unless<Same<Plain<Without<QueryOf<K>> & PathOf<K>>, Plain<Queries[K]['params']>>, K> }[Asked];
export const wrongParams: Or<WrongParams, 0> = 0;
type WrongAnswer = { [K in Asked]: Unless<Same<Plain<AnswerOf<K, 200>>, Plain<Queries[K]['answer']>>, K> }[Answered];
export const wrongAnswer: Or<WrongAnswer, 0> = 0;

/** where nothing is said, anything but a primitive may stand */
type Said<T> = Plain<T> extends infer P ? (keyof P extends never ? {} : P) : never;
type AdminRead = keyof operations & keyof AdminQueries;
type WrongRead = { [K in AdminRead]: Unless<Same<Said<Defined<QueryOf<K>> & PathOf<K>>, Said<Defined<AdminQueries[K]['params']>>>, K> }[AdminRead];
export const wrongRead: Or<WrongRead, 0> = 0;
type WrongShown = { [K in AdminRead]: Unless<Same<Plain<AnswerOf<K, 200>>, Plain<AdminQueries[K]['answer']>>, K> }[AdminRead];
export const wrongShown: Or<WrongShown, 0> = 0;
type AdminDone = keyof operations & keyof AdminActions;
type Given<K extends keyof operations> = operations[K] extends { requestBody?: { content: { 'application/json': infer B } } } ? (string extends keyof B ? {} : B) : {};
type WrongDone = { [K in AdminDone]: Unless<Same<[Said<PathOf<K>>, Said<Given<K>>], [Said<AdminActions[K]['params']>, Said<AdminActions[K]['body']>]>, K> }[AdminDone];
export const wrongDone: Or<WrongDone, 0> = 0;
type WrongDoneAnswer = { [K in AdminDone]: Unless<Same<Plain<AnswerOf<K, 200> | AnswerOf<K, 202>>, Plain<AdminActions[K]['answer']>>, K> }[AdminDone];
export const wrongDoneAnswer: Or<WrongDoneAnswer, 0> = 0;
type Figures = AnswerOf<'analytics.query', 200>;
type AnyPoint = AnalyticsPoints[AnalyticsQuery];
export const wrongFigures: Or<Unless<Same<Plain<Omit<Figures, 'items'>>, Plain<Omit<AnalyticsAnswer<never>, 'items'>>>, 'figures'>, 0> = 0;
export const wrongPoints: Or<Exclude<Plain<Figures['items'][number]>, Plain<AnyPoint>> | Exclude<Plain<AnyPoint>, Plain<Figures['items'][number]>>, 0> = 0;
export const wrongSpan: Or<Unless<Same<Said<Defined<QueryOf<'analytics.query'>>>, Said<Defined<AnalyticsSpan>>>, 'span'>, 0> = 0;

type Events = AnswerOf<'events.list', 200>;
type DocumentedEvent = Events['items'][number];
type DataOf<T> = Extract<DocumentedEvent, { type: T }>['data'];
type WrongEvents = {
  [T in DocumentedEvent['type']]: T extends EventType ? Unless<Same<Plain<DataOf<T>>, Plain<EventData[T] | { id: string; erased: true }>>, T> : T;
}[DocumentedEvent['type']];
export const wrongEvents: Or<WrongEvents, 0> = 0;
type Envelope = Omit<Plain<Extract<DocumentedEvent, { type: 'message.created' }>>, 'data'>;
export const wrongEnvelope: Or<Unless<Same<Plain<Envelope>, Plain<Omit<WholeEventOf<'message.created'>, 'data'>>>, 'envelope'>, 0> = 0;
export const wrongPage: Or<Unless<Same<Plain<Omit<Events, 'items'>>, Plain<Omit<Queries['events.list']['answer'], 'items'>>>, 'page'>, 0> = 0;
`;

let generator: string | undefined;
const reason = await ensureOpenapiTypescript().then(
  (bin) => void (generator = bin),
  (error: unknown) => (error instanceof Error ? error.message : String(error)),
);
const folder = mkdtempSync(join(tmpdir(), 'millrace-types-'));

requireOrSkip('openapi-typescript', reason)('the client’s types', () => {
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  function compile(check: string): string {
    writeFileSync(join(folder, 'check.ts'), check);
    const options = {
      strict: true,
      exactOptionalPropertyTypes: true,
      module: 'nodenext',
      target: 'es2023',
      lib: ['es2023', 'dom'],
      noEmit: true,
      allowImportingTsExtensions: true,
      skipLibCheck: true,
      types: [],
    };
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions: options, files: ['check.ts'] }));
    const { stdout } = spawnSync(join(ROOT, 'node_modules/.bin/tsc'), ['-p', folder], { encoding: 'utf8' });
    return stdout;
  }

  it(
    'are those of the OpenAPI document, for every operation that it has',
    () => {
      writeFileSync(join(folder, 'openapi.json'), JSON.stringify(openApiDocument('http://localhost')));
      execFileSync(process.execPath, [generator ?? '', join(folder, 'openapi.json'), '-o', join(folder, 'openapi.d.ts')], {
        stdio: 'pipe',
      });
      expect(compile(CHECK)).toBe('');
      // and the check would notice: one field more than there is, one operation fewer
      const mistaken = CHECK.replace("Omit<Outcome, 'replayed'>", 'Outcome').replace("'ticket.issue' | ", '');
      expect(compile(mistaken)).toMatch(/ticket\.issue[\s\S]*WrongOutcome/);
    },
    MS_MAX,
  );
});
