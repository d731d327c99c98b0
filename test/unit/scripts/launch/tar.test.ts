import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { fileFromTarGz } from '../../../../scripts/launch/tar.mjs';
import { releaseArchive } from '../../../support/releases.ts';

test.each([0, 1, 511, 512, 513, 100_000])('a file of %i bytes comes out as it went in', (bytes) => {
  const content = Buffer.alloc(bytes, 'x');
  expect(Buffer.compare(fileFromTarGz(releaseArchive(content), 'nats-server'), content)).toBe(0);
});

test('an archive without the file, or none at all, is refused', () => {
  expect(() => fileFromTarGz(releaseArchive(Buffer.from('x')), 'another')).toThrow('no another in the archive');
  expect(() => fileFromTarGz(Buffer.from('not gzip'), 'nats-server')).toThrow();
  expect(() => fileFromTarGz(gzipSync(Buffer.alloc(512, 'z')), 'nats-server')).toThrow('broken tar header');
});
