import { rmSync } from 'node:fs';
import { createServer } from 'node:http';

/**
 * One server for all suites of a run: a start takes ten seconds. It lives in the process that runs the suites, which are
 * processes of their own and ask for it over loopback; nothing is started before the first asks.
 */

interface KeptNode {
  kill(): Promise<void>;
}

/** Owns the node: one start or kill at a time, in the order asked for. Its data outlive a kill. */
export class NodeKeeper<Place extends { directory: string }, Node extends KeptNode> {
  readonly #places: () => Promise<Place>;
  readonly #begin: (place: Place) => Promise<Node>;
  readonly #addressOf: (node: Node) => string;
  #place: Place | undefined;
  #node: Node | undefined;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(places: () => Promise<Place>, begin: (place: Place) => Promise<Node>, addressOf: (node: Node) => string) {
    this.#places = places;
    this.#begin = begin;
    this.#addressOf = addressOf;
  }

  /** Where the node answers; it is started when it does not run. */
  start(): Promise<string> {
    return this.#next(async () => {
      this.#place ??= await this.#places();
      this.#node ??= await this.#begin(this.#place);
      return this.#addressOf(this.#node);
    });
  }

  kill(): Promise<string> {
    return this.#next(async () => {
      await this.#node?.kill();
      this.#node = undefined;
      return '';
    });
  }

  /** Serves starts and kills; answers where, and how to end it with the node and its data. */
  async serve(): Promise<{ url: string; end: () => Promise<void> }> {
    const server = createServer((request, response) => {
      const asked = request.url === '/kill' ? this.kill() : this.start();
      asked.then(
        (answer) => response.end(answer),
        (error: unknown) => response.writeHead(500).end(error instanceof Error ? error.message : String(error)),
      );
    });
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('no port');
    return {
      url: `http://127.0.0.1:${address.port}`,
      end: async () => {
        server.closeAllConnections();
        server.close();
        await this.kill();
        if (this.#place !== undefined) rmSync(this.#place.directory, { recursive: true, force: true });
      },
    };
  }

  #next<T>(work: () => Promise<T>): Promise<T> {
    const mine = this.#turn.then(work);
    this.#turn = mine.catch(() => undefined);
    return mine;
  }
}

/** What a suite asks of it: `/start` or `/kill`. */
export async function askKeeper(what: string, control: string, path: '/start' | '/kill'): Promise<string> {
  const response = await fetch(`${control}${path}`, { method: 'POST' });
  const text = await response.text();
  if (!response.ok) throw new Error(`the ${what} of this run: ${text}`);
  return text;
}
