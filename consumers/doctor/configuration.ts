import { readFileSync } from 'node:fs';
import { parseEnv } from 'node:util';
import { parse as parseToml } from 'smol-toml';
import { z } from 'zod';
import { SettingError } from '../runtime/settings.ts';
import type { Environment } from './settings-checks.ts';

/** Where settings come from: the environment, files of variables, and what wrangler deploys the edge with. */

export interface Sources {
  /** files of NAME=value lines, as `.env` and `.dev.vars`; later ones win */
  envFiles: readonly string[];
  /** a wrangler.toml, whose variables are the edge's */
  wrangler?: string;
  /** of that file: whose variables; absent: those of no environment */
  environment?: string;
}

const vars = z.record(z.string(), z.unknown());
const wranglerFile = z.looseObject({
  vars: vars.optional(),
  env: z.record(z.string(), z.looseObject({ vars: vars.optional() })).optional(),
});

/** What is set in the environment wins: it is what a program would be given. Throws a SettingError that names the file. */
export function configurationFrom(env: Environment, { envFiles, wrangler, environment }: Sources): Environment {
  const set = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined && value !== ''));
  const fromFiles = envFiles.map((path) => parseEnv(read(path)));
  return Object.assign({}, wrangler === undefined ? {} : wranglerVars(wrangler, environment), ...fromFiles, set) as Environment;
}

function wranglerVars(path: string, environment: string | undefined): Record<string, string> {
  let parsed: z.infer<typeof wranglerFile>;
  try {
    parsed = wranglerFile.parse(parseToml(read(path)));
  } catch (error) {
    if (error instanceof SettingError) throw error;
    throw new SettingError(`${path} is no wrangler.toml`);
  }
  const chosen = environment === undefined ? parsed : parsed.env?.[environment];
  if (chosen === undefined) {
    const known = Object.keys(parsed.env ?? {}).join(', ');
    throw new SettingError(`${path} has no environment ${environment ?? ''}: it has ${known}`);
  }
  // wrangler passes on what is no string as JSON, which none of ours is
  return Object.fromEntries(Object.entries(chosen.vars ?? {}).map(([name, value]) => [name, String(value)]));
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    throw new SettingError(`${path} cannot be read`);
  }
}
