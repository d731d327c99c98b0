import { spawn } from 'node:child_process';
import { join } from 'node:path';
import type { AuditReport } from '../../consumers/audit/report.ts';
import { consumersEnvironment } from '../../scripts/supervisor/parts.ts';
import type { Stack } from './stack.ts';

/** `npm run audit` of a running system, as its own process. */

const MAIN = join(import.meta.dirname, '../../consumers/audit/main.ts');
const AUDIT_MS_MAX = 60_000;

export interface Audited {
  code: number | null;
  report: AuditReport;
}

/** Rejects, with what it complained of, when it gives no report. */
export async function runAudit(stack: Stack, ...args: string[]): Promise<Audited> {
  const child = spawn(process.execPath, [MAIN, '--json', '--settle', '300', ...args], {
    env: consumersEnvironment(stack.settings, stack.secrets),
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: AUDIT_MS_MAX,
  });
  let output = '';
  let complaints = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (complaints += chunk.toString()));
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve));
  if (!output.startsWith('{')) throw new Error(`no report, code ${code}: ${complaints}`);
  return { code, report: JSON.parse(output) as AuditReport };
}
