import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { PAGE_BYTES_MAX, TAIL_EVENTS_MIN, TEXT_CODE_POINTS_MAX } from '../../shared/core/limits.ts';
import { sessionPath, until, User } from '../support/client.ts';
import { requireOrSkip } from '../support/requirement.ts';
import { natsServerMissing, startStack, type Stack } from '../support/stack.ts';

/** The most that a page can ask for: 100 messages of 50,000 code points of four bytes each, 20 MB in pages of 512 KiB. */

const SESSION = 'large';
const MESSAGES = 100;
const LANES = 4;
/** CJK Unified Ideographs Extension B: each is four bytes in UTF-8 and two units in UTF-16 */
const FIRST = 0x20000;
const COUNT = 42_000;
/** events beyond the tail's minimum after which a Session trims for sure */
const TRIMMED_FOR_SURE_EVENTS = 300;
const TRIMMED_MS_MAX = 240_000;
const LOOK_EVERY_MS = 1_000;

let stack: Stack;
let alice: User;

const ALPHABET = Array.from({ length: COUNT }, (_, i) => String.fromCodePoint(FIRST + i));
/** No two are alike, nor two halves of one. The first is not used: ids begin at 1. */
const TEXTS = Array.from({ length: MESSAGES + 1 }, (_, at) =>
  Array.from({ length: TEXT_CODE_POINTS_MAX }, (__, i) => ALPHABET[(i + at * 1_009) % COUNT]).join(''),
);

interface Page {
  items: { id: string; text: string; seq: number }[];
  nextCursor?: string;
  previousCursor: string;
}

const ids = (from: number, to: number): string[] => Array.from({ length: to - from + 1 }, (_, i) => `m${from + i}`);

requireOrSkip('nats-server', natsServerMissing())('100 messages of 50,000 four-byte code points', () => {
  beforeAll(async () => {
    stack = await startStack({
      env: { LIMIT_COMMANDS_PER_S: '100000', LIMIT_COMMANDS_BURST: '100000', LIMIT_SESSION_COMMANDS_PER_S: '100000' },
    });
    alice = new User(stack.url, await stack.token('alice'));
    await alice.create({ id: SESSION, title: 'Large pages' });
    for (let at = 1; at <= MESSAGES; at += 1) await alice.send(SESSION, TEXTS[at] ?? '', { id: `m${at}` });
  });
  afterAll(async () => {
    await alice?.close();
    await stack?.stop();
  });

  async function page(query: string): Promise<Page> {
    const response = await fetch(`${stack.url}${sessionPath(SESSION)}/messages?limit=100${query}`, {
      headers: { Authorization: `Bearer ${await stack.token('alice')}` },
    });
    const body = await response.text();
    expect(response.status, body.slice(0, 300)).toBe(200);
    expect(Buffer.byteLength(body)).toBeLessThanOrEqual(PAGE_BYTES_MAX);
    const parsed = JSON.parse(body) as Page;
    for (const { id, text } of parsed.items) {
      // compared here, and by hand: a difference of 200 KB is no message
      if (id.startsWith('m') && text !== TEXTS[Number(id.slice(1))]) throw new Error(`the text of ${id} is not what was sent`);
    }
    return parsed;
  }

  /** Down from a cursor to the first message, then up again from there: both ways see each once, in order. */
  async function expectBothWays(from: string): Promise<number> {
    const down: string[] = [];
    let pages = 0;
    let last = await page(from);
    for (;;) {
      pages += 1;
      down.push(...last.items.map(({ id }) => id));
      if (last.nextCursor === undefined) break;
      last = await page(`&before=${last.nextCursor}`);
    }
    expect(down.filter((id) => id.startsWith('m'))).toEqual(ids(1, MESSAGES).toReversed());
    const up = last.items.map(({ id }) => id);
    while (!up.includes(`m${MESSAGES}`)) {
      last = await page(`&after=${last.previousCursor}`);
      up.unshift(...last.items.map(({ id }) => id));
    }
    expect(up.filter((id) => id.startsWith('m'))).toEqual(ids(1, MESSAGES).toReversed());
    return pages;
  }

  /** A socket that asks for this seq is told whether the edge still has it. */
  async function isInTail(seq: number): Promise<boolean> {
    const { body } = await alice.http.expect(201, 'POST', `${sessionPath(SESSION)}/tickets`);
    const { ticket } = body as { ticket: string };
    const address = `${stack.url.replace('http', 'ws')}${sessionPath(SESSION)}/socket?after=${seq - 1}`;
    const socket = new WebSocket(address, ['millrace.v1', `ticket.${ticket}`]);
    try {
      return await new Promise<boolean>((resolve, reject) => {
        socket.addEventListener('message', ({ data }) => {
          const frame = JSON.parse(String(data)) as { type: string; recovered: boolean };
          if (frame.type === 'welcome') resolve(frame.recovered);
        });
        socket.addEventListener('close', ({ code }) => reject(new Error(`closed ${code}`)));
      });
    } finally {
      socket.close();
    }
  }

  /** P4: server-sent events from the first one on, until one that is sent meanwhile. */
  async function expectStream(): Promise<void> {
    const ending = new AbortController();
    const response = await fetch(`${stack.url}${sessionPath(SESSION)}/events?limit=1000`, {
      headers: { Accept: 'text/event-stream', Authorization: `Bearer ${await stack.token('alice')}` },
      signal: ending.signal,
    });
    const decoder = new TextDecoder();
    const seqs: number[] = [];
    let head = MESSAGES + 1;
    let rest = '';
    for await (const chunk of response.body ?? []) {
      const lines = (rest + decoder.decode(chunk as Uint8Array, { stream: true })).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) if (line.startsWith('id: ')) seqs.push(Number(line.slice('id: '.length)));
      if (seqs.length > 0 && head === MESSAGES + 1) head = (await alice.send(SESSION, 'sent while they are read')).seq;
      if (seqs.at(-1) === head) break;
    }
    ending.abort();
    expect(seqs).toEqual(Array.from({ length: head }, (_, at) => at + 1));
  }

  test('are read whole from the edge, both ways', async () => {
    // two of 200 KB go into 512 KiB
    expect(await expectBothWays('')).toBe(MESSAGES / 2);
  });

  test('are read whole from the store once they left the edge, both ways, and not at all while it is away', async () => {
    const remaining = Array.from({ length: TAIL_EVENTS_MIN + TRIMMED_FOR_SURE_EVENTS }, (_, at) => at).values();
    const lane = async (): Promise<void> => {
      for (const at of remaining) await alice.send(SESSION, `filling ${at}`);
    };
    await Promise.all(Array.from({ length: LANES }, lane));
    await until(
      'they have left the edge',
      async () => {
        if (!(await isInTail(MESSAGES + 1))) return true;
        await sleep(LOOK_EVERY_MS);
        return false;
      },
      TRIMMED_MS_MAX,
    );
    await expectBothWays('');
    await expectStream();
    await stack.stop('consumers');
    const { nextCursor } = await page('');
    const first = await alice.http.request('GET', `${sessionPath(SESSION)}/messages/m1`);
    expect(first).toMatchObject({ status: 503, body: { code: 'unavailable' } });
    expect(nextCursor).toBeDefined();
  }, 400_000);
});
