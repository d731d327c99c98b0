/** Cache for fetched tools, shared by all checkouts of this user. */
export function toolsDir(): string;
/** Environment for a child npm that installs elsewhere than into this checkout. */
export function npmEnvironment(): Record<string, string | undefined>;
/** How to run npm under the Node that runs us. Throws an Error with one line that says what to do. */
export function npmCommand(): { command: string; args: string[] };
/** Runs a command to its end; output is the last 8 KiB of both its streams. Never rejects. */
export function run(
  command: string,
  args: readonly string[],
  options?: { cwd?: string; env?: Record<string, string | undefined>; timeoutMs?: number; signal?: AbortSignal },
): Promise<{ code: number; output: string }>;
/** Runs `work` while no other process holds the lock file. */
export function withLock<T>(file: string, work: () => Promise<T>): Promise<T>;
/** Tells people how far the launch is, in one line. */
export function progress(line: string): void;
