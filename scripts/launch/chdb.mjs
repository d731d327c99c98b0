// The engine of ClickHouse without a server, in the tools cache.
import { CHDB_PACKAGES } from '../versions.mjs';
import { ensureNpmTool } from './npm-tool.mjs';

/** Answers the module that makes connections to it. Throws a LaunchError when it cannot be had. */
export async function ensureChdb() {
  return await ensureNpmTool('chdb, the engine of ClickHouse,', CHDB_PACKAGES, 'chdb/dist/connection/index.js');
}
