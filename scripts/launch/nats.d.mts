/** Path of a nats-server that is already here (NATS_SERVER_BIN, PATH, tools cache), or undefined. */
export function findNatsServer(): string | undefined;
/** Path of a nats-server, fetched into the tools cache when there is none. Throws an Error with one line that says what to do. */
export function ensureNatsServer(): Promise<string>;
