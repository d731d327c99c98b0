import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MillraceError } from '../../../client/error.ts';
import type { Outcome } from '../../../client/net/outbox.ts';
import { StreamWriter, type StreamPort } from '../../../client/stream-writer.ts';
import { hasLoneSurrogate } from '../../../shared/core/text.ts';
import { accepted } from './rig.ts';
import { settle } from './simulator/clock.ts';

const outcome = { ...(accepted(1).body as Outcome), replayed: false };

/** A stream as the Session keeps it; it forgets its last chunks when told to. */
class Server implements StreamPort {
  chunks: string[] = [];
  requests = 0;
  ended: string | undefined;
  finished: { status: string; text?: string } | undefined;
  /** resolves the next append by hand */
  gate: Promise<void> | undefined;

  /** No append is answered until the answer is called. */
  close(): () => void {
    let open = (): void => {};
    this.gate = new Promise((resolve) => (open = resolve));
    return () => open();
  }

  async append({ index, text }: { index: number; text: string }): Promise<Outcome> {
    this.requests += 1;
    await this.gate;
    if (this.ended !== undefined) throw new MillraceError('stream_ended', 'It ended.', { status: 409 });
    if (index > this.chunks.length) {
      const problem = {
        type: '',
        title: '',
        status: 409,
        detail: '',
        code: 'stream_gap' as const,
        correlationId: '',
        expectedIndex: this.chunks.length,
      };
      throw MillraceError.of(problem);
    }
    if (index < this.chunks.length && text !== this.chunks[index]) {
      throw new MillraceError('conflict', 'The chunk of this index came with another text.', { status: 409 });
    }
    if (index === this.chunks.length) this.chunks.push(text);
    return outcome;
  }

  finish(data: { status: string; text?: string }): Promise<Outcome> {
    this.finished = data;
    return Promise.resolve(outcome);
  }
}

describe('a stream writer', () => {
  it('sends what piled up while a chunk was under way as one', async () => {
    const server = new Server();
    const open = server.close();
    const writer = new StreamWriter('m', server);
    for (const word of ['one ', 'two ', 'three ', 'four']) await writer.append(word);
    open();
    await settle();
    expect(server.chunks).toEqual(['one ', 'two three four']);
    await writer.finish();
    expect(server.finished).toEqual({ messageId: 'm', status: 'completed', text: 'one two three four' });
  });

  it('goes on where the server stands after it lost chunks', async () => {
    const server = new Server();
    const writer = new StreamWriter('m', server);
    for (const word of ['a', 'b', 'c']) {
      await writer.append(word);
      await settle();
    }
    server.chunks.length = 1;
    await writer.append('d');
    await settle();
    expect(server.chunks).toEqual(['a', 'b', 'c', 'd']);
  });

  it('says that it was ended, and takes no more text', async () => {
    const server = new Server();
    const writer = new StreamWriter('m', server);
    server.ended = 'cancelled';
    await writer.append('too late');
    await settle();
    expect(writer.ended).toBe(true);
    await expect(writer.append('more')).rejects.toMatchObject({ code: 'stream_ended' });
    await expect(writer.finish()).rejects.toMatchObject({ code: 'stream_ended' });
  });

  it('takes no text after finish', async () => {
    const writer = new StreamWriter('m', new Server());
    await writer.finish('failed');
    await expect(writer.append('more')).rejects.toMatchObject({ code: 'stream_ended' });
  });

  it('holds back an append once too much waits, and lets it go when there is room', async () => {
    const server = new Server();
    const open = server.close();
    const writer = new StreamWriter('m', server);
    let held = true;
    void writer.append('x'.repeat(2 * 1024 * 1024)).then(() => (held = false));
    await settle();
    expect(held).toBe(true);
    open();
    await settle();
    expect([held, server.chunks.join('').length]).toEqual([false, 2 * 1024 * 1024]);
  });

  it('keeps any text whole, cut where no character is, whatever the server forgets', async () => {
    const text = fc.oneof(fc.string({ unit: 'grapheme', maxLength: 40 }), fc.constant('🙂'.repeat(20_000)));
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(text, fc.boolean()), { maxLength: 12 }), async (parts) => {
        const server = new Server();
        const writer = new StreamWriter('m', server);
        for (const [part, forgets] of parts) {
          await writer.append(part);
          await settle();
          if (forgets) server.chunks.length = Math.floor(server.chunks.length / 2);
        }
        await writer.append('.');
        await settle();
        expect(server.chunks.join('')).toBe(`${parts.map(([part]) => part).join('')}.`);
        for (const chunk of server.chunks) expect(hasLoneSurrogate(chunk)).toBe(false);
      }),
      { numRuns: 50 },
    );
  });
});
