import { uuidV7 } from './net/ids.ts';

/** The part of the platform's WebSocket that is used. */
export interface SocketLike {
  /** 1: open; where it is not said, it counts as open until `onclose` */
  readonly readyState?: number;
  send(data: string): void;
  close(code?: number, reason?: string): void;
  addEventListener(type: 'open' | 'error', listener: () => void): void;
  addEventListener(type: 'message', listener: (event: { data: unknown }) => void): void;
  addEventListener(type: 'close', listener: (event: { code: number; reason: string }) => void): void;
}
export type SocketConstructor = new (url: string, protocols: string[]) => SocketLike;

/** Where unsent commands are kept: `localStorage` fits, and so does anything slower. */
export interface StorageLike {
  getItem(key: string): string | null | Promise<string | null>;
  setItem(key: string, value: string): void | Promise<void>;
  removeItem(key: string): void | Promise<void>;
}

/** Lets one page at a time through, of all that ask under the same name: `navigator.locks` fits. */
export interface LocksLike {
  request<T>(name: string, run: () => Promise<T>): Promise<T>;
}

/** Says `online`, `offline` and `visible`: what makes waiting pointless, or worth ending early. */
export interface SignsOfLife {
  subscribe(listener: (sign: 'online' | 'offline' | 'visible') => void): () => void;
}

export interface GivenToken {
  token: string;
  /** epoch ms; by default the token's own `exp` */
  expiresAt?: number;
}

export interface MillraceOptions {
  /** address of the edge, as in `https://edge.example.com` */
  url: string;
  /** Asked for a token before the last one expires, and again when one is refused. Concurrent callers share one call. */
  getToken: () => string | GivenToken | Promise<string | GivenToken>;
  /** Keeps commands that are not answered yet over reloads, for this user alone. */
  kept?: { storage: StorageLike; userId: string };
  /** a session that nobody holds any more stays connected for this long: 5,000 */
  lingerMs?: number;
  // the rest is the platform's, replaceable for tests and odd runtimes
  fetch?: typeof fetch;
  WebSocket?: SocketConstructor;
  now?: () => number;
  setTimeout?: (run: () => void, ms: number) => unknown;
  clearTimeout?: (handle: unknown) => void;
  /** 0 ≤ x < 1 */
  random?: () => number;
  /** ids of messages, and idempotency keys: UUIDv7 */
  newId?: () => string;
  signsOfLife?: SignsOfLife;
  /** for a `kept` storage that does not answer at once and is shared by several pages */
  locks?: LocksLike;
}

/** All that the client takes from the world around it. */
export interface Environment {
  url: string;
  fetch: typeof fetch;
  /** absent in Node before 22: then commands and queries work, and nothing is live */
  WebSocket: SocketConstructor | undefined;
  now: () => number;
  after: (ms: number, run: () => void) => Cancel;
  random: () => number;
  newId: () => string;
  signsOfLife: SignsOfLife;
  locks: LocksLike | undefined;
  kept: MillraceOptions['kept'];
  lingerMs: number;
}

export type Cancel = () => void;

const LINGER_MS_DEFAULT = 5_000;
/** longer timers overflow to none at all */
const TIMER_MS_MAX = 2 ** 31 - 1;

export function environmentOf(options: MillraceOptions): Environment {
  const { url, kept, lingerMs = LINGER_MS_DEFAULT } = options;
  const now = options.now ?? (() => Date.now());
  const set = options.setTimeout ?? ((run, ms) => setTimeout(run, ms));
  const clear = options.clearTimeout ?? ((handle) => clearTimeout(handle as number));
  const random = options.random ?? Math.random;
  return {
    url: url.replace(/\/+$/, ''),
    // called as a method of something else, the browser's fetch refuses
    fetch: options.fetch ?? ((input, init) => fetch(input, init)),
    WebSocket: options.WebSocket ?? globalThis.WebSocket,
    now,
    after: (ms, run) => {
      const handle = set(run, Math.min(Math.max(0, ms), TIMER_MS_MAX));
      return () => clear(handle);
    },
    random,
    newId: options.newId ?? (() => uuidV7(now())),
    signsOfLife: options.signsOfLife ?? browserSigns(),
    locks: options.locks ?? globalThis.navigator?.locks,
    kept,
    lingerMs,
  };
}

/** The window's events, where there is a window; elsewhere nothing is ever said. */
function browserSigns(): SignsOfLife {
  return {
    subscribe(listener) {
      if (typeof window === 'undefined' || typeof window.addEventListener !== 'function') return () => {};
      const over = new AbortController();
      const { signal } = over;
      window.addEventListener('online', () => listener('online'), { signal });
      window.addEventListener('offline', () => listener('offline'), { signal });
      document.addEventListener(
        'visibilitychange',
        () => {
          if (document.visibilityState === 'visible') listener('visible');
        },
        { signal },
      );
      return () => over.abort();
    },
  };
}
