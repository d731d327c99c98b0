/** What a server of the bench tells its parent once it takes connections. */
export interface Announcement {
  url: string;
  jwtSecret?: string;
  /** of NATS, where there is one */
  nats?: string;
  /** roots of the process trees that fan out, and of all that was started */
  pids: { edge: number[]; all: number[] };
  /** what ran, for the report */
  detail: string;
}

export type ServerMessage = { kind: 'listening'; announcement: Announcement } | { kind: 'error'; message: string };

/**
 * Runs a server of the bench: starts it, tells the parent, and stops it when the parent says `stop` or is gone.
 * `start` resolves with the announcement and what ends the server.
 */
export function serve(start: () => Promise<{ announcement: Announcement; stop: () => Promise<void> }>): void {
  const started = start();
  let stopping = false;
  const stop = (): void => {
    if (stopping) return;
    stopping = true;
    void started
      .then((server) => server.stop())
      .then(
        () => process.exit(0),
        () => process.exit(1),
      );
  };
  process.on('message', (message) => {
    if (message === 'stop') stop();
  });
  // the parent is gone, or the terminal says so to the whole group: in both cases stop what was started
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, stop);
  process.on('disconnect', stop);
  started.then(
    ({ announcement }) => tell({ kind: 'listening', announcement }),
    (error: unknown) => {
      tell({ kind: 'error', message: error instanceof Error ? (error.stack ?? error.message) : String(error) });
      process.exitCode = 1;
      process.disconnect?.();
    },
  );
}

function tell(message: ServerMessage): void {
  process.send?.(message);
}
