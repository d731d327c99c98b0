import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { z } from 'zod';
import { consumersEnvironment, edgeEnvironment } from '../../scripts/supervisor/parts.ts';
import type { Stack } from './stack.ts';

const PROGRAM = join(import.meta.dirname, '../../consumers/doctor/main.ts');
const ENDED_MS_MAX = 90_000;

const finding = z.object({
  check: z.string(),
  level: z.enum(['ok', 'warning', 'error']),
  says: z.string(),
  fix: z.string().optional(),
});
export type Found = z.infer<typeof finding>;
const report = z.object({ ok: z.boolean(), findings: z.array(finding) });

export interface Examined {
  code: number;
  findings: Found[];
  /** what is wrong, by what was looked at */
  errors: Record<string, string>;
}

/** Runs the doctor with the settings of a stack, and others in their place. */
export async function examineStack(
  stack: Pick<Stack, 'settings' | 'secrets'>,
  change: Readonly<Record<string, string>> = {},
  ...args: readonly string[]
): Promise<Examined> {
  const { settings, secrets } = stack;
  const env = { ...edgeEnvironment(settings, secrets), ...consumersEnvironment(settings, secrets), ...change };
  const { code, output } = await new Promise<{ code: number; output: string }>((resolve) => {
    execFile(process.execPath, [PROGRAM, '--json', ...args], { env, timeout: ENDED_MS_MAX }, (error, stdout, stderr) => {
      resolve({ code: typeof error?.code === 'number' ? error.code : error === null ? 0 : -1, output: stdout || stderr });
    });
  });
  const read = report.safeParse(jsonOf(output));
  if (!read.success) throw new Error(`the doctor said with code ${code}: ${output}`);
  const { findings } = read.data;
  const wrong = findings.filter(({ level }) => level === 'error');
  return { code, findings, errors: Object.fromEntries(wrong.map(({ check, says, fix }) => [check, `${says} → ${fix ?? ''}`])) };
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
