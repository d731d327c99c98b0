import { describe, expect, test } from 'vitest';
import { encodeFrame, FrameReader, OPCODE } from '../../../bench/load/frame-reader.ts';
import { messageText, scanMessages, TEXT_BYTES } from '../../../bench/load/messages.ts';

/** A server's frame: the client's encoder without its mask. */
function serverFrame(opcode: number, payload: string): Buffer {
  const length = Buffer.byteLength(payload);
  const header = length < 126 ? Buffer.alloc(2) : length <= 0xffff ? Buffer.alloc(4) : Buffer.alloc(10);
  header[0] = 0x80 | opcode;
  if (length < 126) header[1] = length;
  else if (length <= 0xffff) header.writeUInt16BE(length, 2);
  else header.writeBigUInt64BE(BigInt(length), 2);
  if (length >= 126) header[1] = length <= 0xffff ? 126 : 127;
  return Buffer.concat([header, Buffer.from(payload)]);
}

function read(chunks: readonly Buffer[]): { opcode: number; payload: string }[] {
  const frames: { opcode: number; payload: string }[] = [];
  const reader = new FrameReader((opcode, payload) => frames.push({ opcode, payload: payload.toString() }));
  for (const chunk of chunks) reader.push(chunk);
  return frames;
}

describe('reading frames', () => {
  const payloads = ['', 'a', 'b'.repeat(125), 'c'.repeat(126), 'ü'.repeat(400), 'd'.repeat(65_535), 'e'.repeat(65_536), 'z'];
  const stream = Buffer.concat(payloads.map((payload) => serverFrame(OPCODE.text, payload)));
  const expected = payloads.map((payload) => ({ opcode: OPCODE.text, payload }));

  test('frames of every length, many in one read', () => {
    expect(read([stream])).toEqual(expected);
  });

  test.each([1, 2, 3, 7, 1_000, 4_096, 65_536])('the same cut into reads of %i bytes', (size) => {
    const chunks = Array.from({ length: Math.ceil(stream.length / size) }, (_, index) =>
      stream.subarray(index * size, (index + 1) * size),
    );
    expect(read(chunks)).toEqual(expected);
  });

  test('refuses what no contestant sends', () => {
    expect(() => read([Buffer.from([0x01, 0x00])])).toThrow('fragmented');
    expect(() => read([Buffer.from([0x80, 0x00])])).toThrow('fragmented');
    expect(() => read([Buffer.from([0xc1, 0x00])])).toThrow('extension');
    expect(() => read([encodeFrame(OPCODE.text, 'masked')])).toThrow('masked');
  });

  test('a sent frame is a masked text frame whose mask changes nothing', () => {
    for (const payload of ['ping', 'x'.repeat(300)]) {
      const frame = encodeFrame(OPCODE.text, payload);
      const extended = payload.length > 125 ? 2 : 0;
      expect(frame[0]).toBe(0x81);
      expect(frame[1]).toBe(0x80 | (extended === 0 ? payload.length : 126));
      expect(frame.subarray(2 + extended, 6 + extended)).toEqual(Buffer.alloc(4));
      expect(frame.subarray(6 + extended).toString()).toBe(payload);
    }
  });
});

describe('counting messages', () => {
  const found = (frame: string): number[] => {
    const numbers: number[] = [];
    expect(scanMessages(Buffer.from(frame), (number) => numbers.push(number))).toBe(numbers.length);
    return numbers;
  };

  test('a text is 200 bytes that JSON leaves as they are, and no two are the same', () => {
    expect(Buffer.byteLength(messageText(0))).toBe(TEXT_BYTES);
    expect(JSON.stringify(messageText(7))).toBe(`"${messageText(7)}"`);
    expect(messageText(1)).not.toBe(messageText(2));
  });

  test('every event of a frame of many, in order', () => {
    const numbers = Array.from({ length: 300 }, (_, index) => index * 3_001);
    const events = numbers.map((number) => ({ seq: number + 1, data: { id: 'm', text: messageText(number), metadata: {} } }));
    expect(found(JSON.stringify({ type: 'events', events }))).toEqual(numbers);
  });

  test('one message of each contestant', () => {
    expect(found(`42${JSON.stringify(['message', { id: 1, text: messageText(5) }])}`)).toEqual([5]);
    expect(found(JSON.stringify({ type: 'message', text: messageText(999_999) }))).toEqual([999_999]);
  });

  test('none in acknowledgements and in nothing', () => {
    for (const frame of ['', '2', '431[{"id":1}]', '{"type":"ack","id":"100000001"}']) expect(found(frame)).toEqual([]);
  });

  test('the text right at the end of a frame', () => {
    expect(found(`x${messageText(1)}${messageText(2)}`)).toEqual([1, 2]);
  });
});
