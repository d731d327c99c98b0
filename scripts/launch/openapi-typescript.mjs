// openapi-typescript, in the tools cache: for a test of the client's types, and for nothing that runs.
import { OPENAPI_TYPESCRIPT_PACKAGES } from '../versions.mjs';
import { ensureNpmTool } from './npm-tool.mjs';

/** Answers the file to run with Node. Throws a LaunchError when it cannot be had. */
export async function ensureOpenapiTypescript() {
  return await ensureNpmTool('openapi-typescript', OPENAPI_TYPESCRIPT_PACKAGES, 'openapi-typescript/bin/cli.js');
}
