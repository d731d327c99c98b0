import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalJson, codePoints, hasLoneSurrogate, isBlank, utf8Bytes } from '../../../../shared/core/text.ts';

const anyString = fc.string({ unit: fc.integer({ min: 0, max: 0xffff }).map((unit) => String.fromCharCode(unit)) });
/** strings in which surrogates meet often */
const surrogates = fc.string({ unit: fc.constantFrom('a', '\ud83d', '\ude00', '\udbff', '\udc00', '😀') });

describe('codePoints', () => {
  it('counts as iteration does', () => {
    for (const strings of [anyString, surrogates]) {
      fc.assert(fc.property(strings, (text) => codePoints(text) === Array.from(text).length));
    }
  });

  it('stops just past its bound', () => {
    fc.assert(
      fc.property(surrogates, fc.nat(20), (text, bound) => {
        expect(codePoints(text, bound)).toBe(Math.min(Array.from(text).length, bound + 1));
      }),
    );
  });

  it('costs nothing on a text that cannot fit', () => {
    expect(codePoints('😀'.repeat(1_000_000), 10)).toBe(11);
  });
});

describe('hasLoneSurrogate', () => {
  it.each(['\ud800', '\udc00', 'a\ud83d', '\ude00a', '\ude00\ud83d', '\ud83d\ud83d\ude00', '😀\ude00'])(
    'finds one in %j',
    (text) => {
      expect(hasLoneSurrogate(text)).toBe(true);
    },
  );

  it('agrees with the UTF-8 form: a lone surrogate does not survive it', () => {
    for (const strings of [anyString, surrogates]) {
      fc.assert(
        fc.property(strings, (text) => {
          expect(hasLoneSurrogate(text)).toBe(
            new TextDecoder('utf-8', { ignoreBOM: true }).decode(new TextEncoder().encode(text)) !== text,
          );
        }),
      );
    }
  });
});

describe('isBlank', () => {
  it.each(['', ' ', '\t\r\n\v\f', '\u00a0\u2003\u3000', '\u2028\u2029', '\ufeff', '\u0085'])('holds for %j', (text) => {
    expect(isBlank(text)).toBe(true);
  });

  it.each(['a', ' a ', '\u200b', '.', '😀', '\u0000'])('does not hold for %j', (text) => {
    expect(isBlank(text)).toBe(false);
  });
});

describe('utf8Bytes', () => {
  it('is the length of the UTF-8 form', () => {
    expect(['', 'a', 'é', '€', '😀'].map(utf8Bytes)).toEqual([0, 1, 2, 3, 4]);
    fc.assert(fc.property(anyString, (text) => utf8Bytes(text) === Buffer.byteLength(text)));
  });
});

describe('canonicalJson', () => {
  it('sorts keys at every level, and leaves arrays in their order', () => {
    expect(canonicalJson({ b: 1, a: [{ d: 1, c: 2 }, 1, 'é'], 10: 0, 9: 0 })).toBe(
      '{"10":0,"9":0,"a":[{"c":2,"d":1},1,"é"],"b":1}',
    );
  });

  it('drops what JSON drops', () => {
    expect(canonicalJson({ a: undefined, b: null, c: [undefined] })).toBe('{"b":null,"c":[null]}');
    expect(canonicalJson(undefined)).toBe('null');
  });

  it('keeps a key that is named like a prototype', () => {
    const value: unknown = JSON.parse('{"b":1,"__proto__":{"z":1,"a":2},"constructor":3}');
    expect(canonicalJson(value)).toBe('{"__proto__":{"a":2,"z":1},"b":1,"constructor":3}');
  });

  it('is JSON of the same value, the same for every order of keys', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 4 }), (value) => {
        const text = canonicalJson(value);
        expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(value)));
        expect(canonicalJson(reversed(value))).toBe(text);
      }),
    );
  });
});

function reversed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reversed);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(
    Object.entries(value)
      .map(([key, item]): [string, unknown] => [key, reversed(item)])
      .toReversed(),
  );
}
