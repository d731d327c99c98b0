// `npm run dead-letters -- list`: dead letters of the local system, or of the one at MILLRACE_URL with MILLRACE_TOKEN.
import { userInfo } from 'node:os';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Command } from 'commander';
import { z } from 'zod';
import { deadLetter, deadLetterDetail, redriveReport } from '../shared/contract/admin.ts';
import { USER_ID_PATTERN } from '../shared/core/ids.ts';
import { makeToken } from './supervisor/make-token.ts';
import { secretsOf } from './supervisor/secrets.ts';
import { readSettings } from './supervisor/settings.ts';

const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const ANSWER_MS_MAX = 15_000;
const TOKEN_TTL_S = 600;
const LETTERS = '/v1/admin/dead-letters';

const problem = z.looseObject({ code: z.string(), detail: z.string() });
const page = z.looseObject({ items: z.array(deadLetter), nextCursor: z.string().optional() });
const report = redriveReport.extend({ nextCursor: z.string().optional() });

interface System {
  url: string;
  token: string;
}

/** MILLRACE_URL and MILLRACE_TOKEN; without a token one of the local system, in the name of whoever is logged in. */
async function systemOf(tenant: string | undefined): Promise<System> {
  const settings = readSettings(process.env, ROOT);
  const url = process.env['MILLRACE_URL'] ?? `http://127.0.0.1:${settings.ports.edge}`;
  const given = process.env['MILLRACE_TOKEN'];
  if (given !== undefined && given !== '') return { url, token: given };
  const { username } = userInfo();
  const options = { scope: 'admin', ttlSeconds: TOKEN_TTL_S, ...(tenant === undefined ? {} : { tenant }) };
  const secret = secretsOf(settings).jwtSecret;
  const token = await makeToken(USER_ID_PATTERN.test(username) ? username : 'operator', options, {
    secret,
    environment: process.env,
  });
  return { url, token };
}

async function call<T>({ url, token }: System, schema: z.ZodType<T>, method: string, path: string, body?: object): Promise<T> {
  const response = await fetch(`${url}${path}`, {
    method,
    headers: { Authorization: `Bearer ${token}`, ...(body === undefined ? {} : { 'Content-Type': 'application/json' }) },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(ANSWER_MS_MAX),
  });
  const answer: unknown = await response.json();
  if (response.ok) return schema.parse(answer);
  const { code, detail } = problem.parse(answer);
  throw new Error(`${code}: ${detail}`);
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

interface Options {
  tenant?: string;
  json?: true;
  consumer?: string;
  reason?: string;
  limit: string;
  all?: true;
  dryRun?: true;
}

async function list({ tenant, consumer, limit, json }: Options): Promise<void> {
  const system = await systemOf(tenant);
  const query = new URLSearchParams({ limit, ...(consumer === undefined ? {} : { consumer }) });
  const { items, nextCursor } = await call(system, page, 'GET', `${LETTERS}?${query.toString()}`);
  if (json === true) return print(JSON.stringify({ items, nextCursor }));
  for (const { id, at, reason, sessionId = '-', seq = '-', ...letter } of items)
    print([id, at, letter.consumer, reason, `${sessionId}/${seq}`, letter.error].join('  '));
  print(`${items.length} dead letters${nextCursor === undefined ? '' : ', and older ones'}`);
}

async function show(id: string, { tenant }: Options): Promise<void> {
  const letter = await call(await systemOf(tenant), deadLetterDetail, 'GET', `${LETTERS}/${encodeURIComponent(id)}`);
  print(JSON.stringify(letter, null, 2));
}

/** Page after page until nothing is left to be looked at. Exit code 1 when one failed. */
async function redrive(ids: readonly string[], { tenant, consumer, reason, all, dryRun, json }: Options): Promise<void> {
  const chosen = { ...(ids.length === 0 ? {} : { ids }), ...(consumer ? { consumer } : {}), ...(reason ? { reason } : {}) };
  if (Object.keys(chosen).length === 0 && all !== true) throw new Error('name ids, --consumer, --reason, or --all');
  const system = await systemOf(tenant);
  const sums = { matched: 0, redriven: 0, failed: 0 };
  let cursor: string | undefined;
  do {
    const body = { ...chosen, dryRun: dryRun === true, ...(cursor === undefined ? {} : { cursor }) };
    const part: z.infer<typeof report> = await call(system, report, 'POST', `${LETTERS}/redrive`, body);
    for (const item of part.items)
      print(
        json === true ? JSON.stringify(item) : [item.id, item.outcome, item.as ?? item.code ?? '', item.detail ?? ''].join('  '),
      );
    sums.matched += part.matched;
    sums.redriven += part.redriven;
    sums.failed += part.failed;
    cursor = part.nextCursor;
  } while (cursor !== undefined);
  print(json === true ? JSON.stringify(sums) : `${sums.matched} looked at, ${sums.redriven} redriven, ${sums.failed} failed`);
  if (sums.failed > 0) process.exitCode = 1;
}

async function discard(ids: readonly string[], { tenant }: Options): Promise<void> {
  const system = await systemOf(tenant);
  for (const id of ids) {
    await call(system, z.unknown(), 'POST', `${LETTERS}/${encodeURIComponent(id)}/discard`);
    print(`${id}  discarded`);
  }
}

const program = new Command('dead-letters')
  .description('Dead letters of the local system, or of the one at MILLRACE_URL with MILLRACE_TOKEN (scope admin).')
  .option('--tenant <tenant>', 'of a local system: whose letters, else "default"')
  .option('--json', 'one JSON object per line');
const options = (): Options => program.opts<Options>();

program
  .command('list')
  .description('the newest letters')
  .option('--consumer <name>', 'of one consumer')
  .option('--limit <count>', 'how many', '50')
  .action(async (own: Options) => await list({ ...options(), ...own }));
program
  .command('show <id>')
  .description('one letter with its payload and headers')
  .action(async (id: string) => await show(id, options()));
program
  .command('redrive [ids...]')
  .description('once more, the ones named or all that fit; they go when that has worked')
  .option('--consumer <name>', 'of one consumer')
  .option('--reason <reason>', 'with this reason')
  .option('--all', 'all there are')
  .option('--dry-run', 'only say what would be done')
  .action(async (ids: string[], own: Options) => await redrive(ids, { ...options(), ...own }));
program
  .command('discard <ids...>')
  .description('for good; the log keeps who did')
  .action(async (ids: string[]) => await discard(ids, options()));

try {
  await program.parseAsync();
} catch (error) {
  process.stderr.write(`millrace: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
