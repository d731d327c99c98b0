/** Text rules of contract §1. Text is otherwise kept exactly as it came. */

/** Counts Unicode code points, stopping past `stopAfter` so that hostile input costs no more than good input. */
export function codePoints(text: string, stopAfter = Number.MAX_SAFE_INTEGER): number {
  if (text.length > stopAfter * 2) return stopAfter + 1;
  let count = 0;
  for (let i = 0; i < text.length; i += 1) {
    const unit = text.charCodeAt(i);
    if (unit >= 0xd800 && unit <= 0xdbff && i + 1 < text.length) {
      const next = text.charCodeAt(i + 1);
      if (next >= 0xdc00 && next <= 0xdfff) i += 1;
    }
    count += 1;
    if (count > stopAfter) return count;
  }
  return count;
}

/** True when a surrogate stands alone: such a string has no UTF-8 form. */
export function hasLoneSurrogate(text: string): boolean {
  return /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/.test(text);
}

/** True for text of white space alone, as Unicode has it and as JavaScript has it (U+FEFF only there, U+0085 not). */
export function isBlank(text: string): boolean {
  return /^[\s\p{White_Space}]*$/u.test(text);
}

const encoder = new TextEncoder();

/** Length of the UTF-8 form in bytes. */
export function utf8Bytes(text: string): number {
  return encoder.encode(text).length;
}

/** JSON with the keys of every object in code unit order: equal values give equal text (in the spirit of RFC 8785). */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map((item) => canonicalJson(item ?? null)).join(',')}]`;
  if (value !== null && typeof value === 'object') {
    const parts = Object.entries(value)
      .filter(([, item]) => item !== undefined)
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, item]) => `${JSON.stringify(key)}:${canonicalJson(item)}`);
    return `{${parts.join(',')}}`;
  }
  return JSON.stringify(value) ?? 'null';
}
