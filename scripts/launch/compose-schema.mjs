// The JSON schema of the Compose specification, in the tools cache.
import { readFileSync } from 'node:fs';
import { COMPOSE_SCHEMA_PACKAGES } from '../versions.mjs';
import { ensureNpmTool } from './npm-tool.mjs';

/** Answers the schema. Throws a LaunchError when it cannot be had. */
export async function ensureComposeSchema() {
  const file = await ensureNpmTool('the schema of Compose', COMPOSE_SCHEMA_PACKAGES, 'dclint/schemas/compose.schema.json');
  return JSON.parse(readFileSync(file, 'utf8'));
}
