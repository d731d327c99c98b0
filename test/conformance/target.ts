import { startStack, type Stack } from '../support/stack.ts';
import { ask } from './http.ts';
import { eventually } from './eventually.ts';

/** The system that the suite speaks to: one that runs somewhere, or one that it started. */
export interface Target {
  url: string;
  /** absent: what needs NATS is skipped by name */
  natsUrl: string | undefined;
  secret: string;
  /** present where the suite started the system, and may stop parts of it */
  own: Stack | undefined;
  stop(): Promise<void>;
}

const READY_MS_MAX = 120_000;

/** Is the suite pointed at a system that runs already? */
export function isGiven(): boolean {
  return process.env['MILLRACE_URL'] !== undefined;
}

/** Can commands go through NATS there? */
export function hasNats(): boolean {
  return !isGiven() || process.env['MILLRACE_NATS_URL'] !== undefined;
}

/** Waits until it is ready. `env` is used only for a system of our own. */
export async function openTarget(env: Readonly<Record<string, string>> = {}): Promise<Target> {
  const target = isGiven() ? givenTarget() : await ownTarget(env);
  await eventually('/readyz is 200', async () => (await ask(target.url, 'GET', '/readyz')).status === 200, READY_MS_MAX);
  return target;
}

function givenTarget(): Target {
  const { MILLRACE_URL: url, MILLRACE_NATS_URL: natsUrl, MILLRACE_JWT_SECRET: secret } = process.env;
  if (url === undefined || secret === undefined) throw new Error('MILLRACE_URL needs MILLRACE_JWT_SECRET beside it');
  return { url: url.replace(/\/$/, ''), natsUrl, secret, own: undefined, stop: async () => {} };
}

async function ownTarget(env: Readonly<Record<string, string>>): Promise<Target> {
  const own = await startStack({ env });
  return { url: own.url, natsUrl: own.nats, secret: own.secrets.jwtSecret, own, stop: () => own.stop() };
}
