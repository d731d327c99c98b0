import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { InvalidArgumentError } from 'commander';
import { HttpClient, reasonOf } from './http.ts';

/** What the commands that play something into a running system have in common. */

const FIRST_CONTACT_MS_MAX = 10_000;

/** npm runs scripts in the project's folder; a relative path is meant from where npm was called. */
export function located(file: string): string {
  const fromCaller = resolve(process.env['INIT_CWD'] ?? '.', file);
  return existsSync(fromCaller) ? fromCaller : resolve(file);
}

/** Throws an Error of one line when nothing answers there. */
export async function firstContact(url: string): Promise<void> {
  try {
    const reply = await new HttpClient({ url, patienceMs: FIRST_CONTACT_MS_MAX }).insist('GET', '/healthz');
    if (reply.status !== 200) throw new Error(`it answers ${reply.status} to /healthz`);
  } catch (error) {
    throw new Error(`no system at ${url} (${reasonOf(error)}): start one with npm start, or name its --url`, { cause: error });
  }
}

export function positive(value: string): number {
  const number = Number(value);
  if (!Number.isFinite(number) || number <= 0) throw new InvalidArgumentError('It must be a number above 0.');
  return number;
}

export function whole(value: string): number {
  const number = Number(value);
  if (!Number.isSafeInteger(number) || number < 1) throw new InvalidArgumentError('It must be a whole number of at least 1.');
  return number;
}
