// One file out of a .tar.gz, so that neither tar nor unzip need be installed. Format: POSIX ustar, 512-byte blocks.
import { gunzipSync } from 'node:zlib';

const BLOCK_BYTES = 512;
const UNPACKED_BYTES_MAX = 256 * 1024 * 1024;

function text(header, start, length) {
  const end = header.indexOf(0, start);
  return header.toString('utf8', start, end === -1 || end > start + length ? start + length : end);
}

/** Bytes of the first regular file whose path ends in `/name` (or is `name`). Throws when the archive is broken or has none. */
export function fileFromTarGz(archive, name) {
  const bytes = gunzipSync(archive, { maxOutputLength: UNPACKED_BYTES_MAX });
  for (let at = 0; at + BLOCK_BYTES <= bytes.length;) {
    const header = bytes.subarray(at, at + BLOCK_BYTES);
    if (header.every((byte) => byte === 0)) break;
    const size = Number.parseInt(text(header, 124, 12).trim() || '0', 8);
    if (!Number.isSafeInteger(size) || size < 0) throw new Error('broken tar header');
    const type = String.fromCharCode(header[156]);
    const path = text(header, 0, 100);
    if ((type === '0' || type === '\0') && (path === name || path.endsWith(`/${name}`))) {
      return bytes.subarray(at + BLOCK_BYTES, at + BLOCK_BYTES + size);
    }
    at += BLOCK_BYTES + Math.ceil(size / BLOCK_BYTES) * BLOCK_BYTES;
  }
  throw new Error(`no ${name} in the archive`);
}
