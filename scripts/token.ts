// `npm run token -- alice`: prints a token for the local system, running or not.
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Command, InvalidArgumentError, Option } from 'commander';
import { makeToken, TOKEN_KINDS, type TokenOptions } from './supervisor/make-token.ts';
import { secretsOf } from './supervisor/secrets.ts';
import { readSettings } from './supervisor/settings.ts';

const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const UNITS: Record<string, number> = { s: 1, m: 60, h: 3600, d: 86_400 };

/** "90s", "15m", "12h", "7d" or plain seconds. */
function parseTtl(text: string): number {
  const [, amount, unit] = /^(\d+)([smhd]?)$/.exec(text) ?? [];
  const seconds = Number(amount) * (UNITS[unit || 's'] ?? Number.NaN);
  if (!Number.isSafeInteger(seconds) || seconds < 1) throw new InvalidArgumentError('must be like 90s, 15m, 12h or 7d');
  return seconds;
}

function parseSubject(text: string): string {
  if (!/^[\x21-\x2e\x30-\x7e]{1,128}$/.test(text))
    throw new InvalidArgumentError('must be 1 to 128 printable ASCII characters without / and space');
  return text;
}

function parseTenant(text: string): string {
  if (!/^[a-z0-9-]{1,32}$/.test(text)) throw new InvalidArgumentError('must be 1 to 32 of a-z, 0-9 and -');
  return text;
}

const command = new Command('token')
  .description('Prints a bearer token, signed with JWT_SECRET or the secret of DATA_DIR.')
  .argument('<user>', 'user id (sub)', parseSubject)
  .option('--name <name>', 'name shown to others')
  .addOption(new Option('--kind <kind>', 'what the user is').choices(TOKEN_KINDS))
  .option('--tenant <tenant>', 'tenant, else "default"', parseTenant)
  .addOption(new Option('--scope <scope>', "what it may beyond a user's rights").choices(['admin', 'service', 'metrics']))
  .option('--ttl <time>', 'how long it is valid', parseTtl, 12 * 3600)
  .parse();

try {
  const settings = readSettings(process.env, ROOT);
  const [subject = ''] = command.processedArgs as string[];
  const { ttl, ...options } = command.opts<Omit<TokenOptions, 'ttlSeconds'> & { ttl: number }>();
  const token = await makeToken(
    subject,
    { ...options, ttlSeconds: ttl },
    { secret: secretsOf(settings).jwtSecret, environment: process.env },
  );
  process.stdout.write(`${token}\n`);
} catch (error) {
  process.stderr.write(`millrace: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
