import { expect, test } from 'vitest';
import { EmbeddedStore } from '../../../../worker/session/embedded-store.ts';

const NOW = 1_000_000_000;
const refused = { code: 'overloaded', retryAfterMs: 60_000 };

test('before the first receipt nothing is known, and nothing refused', () => {
  expect(new EmbeddedStore(1).refusalOf('message.send', 1_000, NOW)).toBeUndefined();
});

test('what was told and what came since are counted together; at the limit new messages are refused', () => {
  const store = new EmbeddedStore(10);
  store.note(7, 100, NOW);
  expect(store.refusalOf('message.send', 102, NOW)).toBeUndefined();
  expect(store.refusalOf('message.send', 103, NOW)).toMatchObject(refused);
  expect(store.refusalOf('message.edit', 103, NOW)).toBeUndefined();
  expect(store.refusalOf('session.update', 103, NOW)).toBeUndefined();
});

test('what is told later counts alone', () => {
  const store = new EmbeddedStore(10);
  store.note(10, 100, NOW);
  store.note(9, 104, NOW);
  expect(store.refusalOf('message.send', 104, NOW)).toBeUndefined();
  store.note(undefined, 104, NOW);
  expect(store.refusalOf('message.send', 1_000, NOW)).toBeUndefined();
});

test('a session that refuses hears nothing new: after ten minutes it lets one through to ask', () => {
  const store = new EmbeddedStore(10);
  store.note(10, 100, NOW);
  expect(store.refusalOf('message.send', 100, NOW + 600_000)).toMatchObject(refused);
  expect(store.refusalOf('message.send', 100, NOW + 600_001)).toBeUndefined();
});
