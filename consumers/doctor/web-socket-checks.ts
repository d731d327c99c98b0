import { error, ok, type Finding } from './finding.ts';
import { listOf } from './settings-checks.ts';

/** Whether what answers at the edge's address of NATS is NATS. It says so before anybody logs in. */

const CHECK = 'nats:websocket';
const ANSWER_MS_MAX = 5_000;
const GREETING = 'INFO ';

export async function checkWebSockets(urls: string | undefined): Promise<Finding[]> {
  const usable = listOf(urls).filter((url) => URL.canParse(url) && /^wss?:$/.test(new URL(url).protocol));
  return await Promise.all(usable.map(async (url) => await checkOne(url)));
}

async function checkOne(url: string): Promise<Finding> {
  const fix = 'Give nats-server a websocket listener there (deploy/nats/single.conf), or correct NATS_WS_URL.';
  const greeting = await greetingOf(url);
  if (greeting === undefined) return error(CHECK, `No WebSocket answers at ${url}: the edge cannot publish.`, fix);
  if (!greeting.startsWith(GREETING)) return error(CHECK, `What answers at ${url} is not NATS.`, fix);
  return ok(CHECK, `NATS answers WebSockets at ${url}.`);
}

/** The first message; undefined when there is none in time. */
async function greetingOf(url: string): Promise<string | undefined> {
  const socket = new WebSocket(url);
  socket.binaryType = 'arraybuffer';
  try {
    return await new Promise((resolve) => {
      const timer = setTimeout(() => resolve(undefined), ANSWER_MS_MAX);
      const end = (said: string | undefined): void => {
        clearTimeout(timer);
        resolve(said);
      };
      socket.addEventListener('message', ({ data }) => {
        end(data instanceof ArrayBuffer ? new TextDecoder().decode(data) : String(data));
      });
      for (const event of ['error', 'close']) socket.addEventListener(event, () => end(undefined));
    });
  } finally {
    socket.close();
  }
}
