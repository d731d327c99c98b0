import { describe, expect, it } from 'vitest';
import { SettingError, settingsFrom } from '../../../consumers/runtime/settings.ts';

const SEED = `SU${'A'.repeat(56)}`;
const from = (env: Record<string, string>): ReturnType<typeof settingsFrom> =>
  settingsFrom({ INTERNAL_SECRET: 'sixteen characters', ...env });

describe('settings of the runtime', () => {
  it('take a bare seed as credentials', () => {
    expect(from({ NATS_CREDS: `${SEED}\n` }).natsCreds).toBe(`${SEED}\n`);
    expect(() => from({ NATS_CREDS: SEED.toLowerCase() })).toThrow(SettingError);
  });

  it('take a prefix of inboxes that is one token', () => {
    expect(from({ NATS_INBOX_PREFIX: '_INBOX_consumers' }).natsInboxPrefix).toBe('_INBOX_consumers');
    expect(from({ NATS_INBOX_PREFIX: '' })).not.toHaveProperty('natsInboxPrefix');
    for (const bad of ['a.b', '>', '*', 'a b']) expect(() => from({ NATS_INBOX_PREFIX: bad }), bad).toThrow(SettingError);
  });

  it('take where backends are answered only with the tenant as a token of its own', () => {
    expect(from({ BACKEND_REPLIES: 'replies.{tenant}.' }).backendReplies).toBe('replies.{tenant}.');
    expect(from({ BACKEND_REPLIES: 'to.{tenant}.inbox.' }).backendReplies).toBe('to.{tenant}.inbox.');
    for (const bad of ['replies.', 'replies.{tenant}', 'r-{tenant}.', '{tenant}', 'a..{tenant}.', '$JS.{tenant}.']) {
      expect(() => from({ BACKEND_REPLIES: bad }), bad).toThrow(SettingError);
    }
  });
});
