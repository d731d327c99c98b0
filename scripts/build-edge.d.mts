/** Bundles the edge into `folder`. Rejects with esbuild's own message when the source does not build. */
export function buildEdge(folder: string, options: { telemetry: boolean }): Promise<void>;
/** One file, as the edge is built; also for what the edge is measured against. */
export function bundle(entry: string, outfile: string): Promise<void>;
