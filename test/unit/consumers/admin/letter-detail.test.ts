import { expect, it } from 'vitest';
import { letterDetail } from '../../../../consumers/admin/letter-detail.ts';
import { deadLetterDetail } from '../../../../shared/contract/admin.ts';
import { aLetter } from './fakes.ts';

const REPLY_BYTES_MAX = 1024 * 1024 - 64 * 1024;

function shown(data: Uint8Array, headers = aLetter(1).headers) {
  const detail = letterDetail(aLetter(1, { data, bytes: data.length, headers }));
  expect(deadLetterDetail.parse(detail)).toEqual(detail);
  expect(Buffer.byteLength(JSON.stringify(detail))).toBeLessThan(REPLY_BYTES_MAX);
  return detail;
}

it('text is shown as text, to the byte', () => {
  const { payload } = shown(new TextEncoder().encode('\ufeff{"text":"é\u0000"}'));
  expect(payload).toEqual({ encoding: 'text', data: '\ufeff{"text":"é\u0000"}' });
});

it('what is no UTF-8 is shown as base64', () => {
  expect(shown(new Uint8Array([255, 0, 128])).payload).toEqual({ encoding: 'base64', data: '/wCA' });
});

it('a long payload is cut, never through a character, and says so', () => {
  const { payload, bytes } = shown(new TextEncoder().encode('€'.repeat(200_000)));
  expect([payload.encoding, payload.cut, bytes]).toEqual(['text', true, 600_000]);
  expect(payload.data).toMatch(/^€+$/);
});

it('what would grow sixfold as text fits as base64', () => {
  expect(shown(new Uint8Array(900_000).fill(1)).payload).toMatchObject({ encoding: 'base64', cut: true });
});

it('a payload that the letter has only a part of says so, and how long it was', () => {
  const letter = aLetter(1);
  const { payload, bytes } = shown(letter.data, [...letter.headers, ['Millrace-Payload-Bytes', '1048000']]);
  expect([payload.cut, bytes]).toEqual([true, 1_048_000]);
});

it('headers are cut too', () => {
  const many = Array.from({ length: 300 }, (_none, index) => [`h${index}`, 'x'.repeat(3_000)] as const);
  const detail = shown(new Uint8Array([123]), many);
  expect([detail.headers.length, detail.headersCut, detail.headers[0]?.value.length]).toEqual([100, true, 1_024]);
});
