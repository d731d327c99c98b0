import { describe, test } from 'vitest';

/**
 * `describe` for tests that need something this machine may lack, such as a server: `requireOrSkip('nats-server', reason)('title', body)`.
 * Without a reason it runs. With one (why it cannot be had) the tests are skipped by name and reason; where CI is set, which promises
 * that everything runs, that is a failure instead.
 */
export function requireOrSkip(name: string, reason: string | undefined): (title: string, body: () => void) => void {
  if (reason === undefined) return (title, body) => void describe(title, body);
  if (process.env['CI']) {
    return (title) =>
      void describe(title, () => {
        test(`needs ${name}`, () => {
          throw new Error(`${name} cannot be had: ${reason}`);
        });
      });
  }
  return (title, body) => void describe.skip(`${title} (skipped: needs ${name}: ${reason})`, body);
}
