import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { KeyFolder } from '../../../../scripts/nats-keys/key-folder.ts';

const TEMPLATE = `accounts {
  MILLRACE { users: [
    { nkey: $EDGE_KEY }
    { nkey: $EDGE_KEY_NEXT }
    { nkey: $CONSUMERS_KEY }
    { nkey: $CONSUMERS_KEY_NEXT }
  ] }
  # TENANTS
}
`;

let directory: string;
const folder = (): KeyFolder => new KeyFolder(directory, TEMPLATE);
const accounts = (): string => readFileSync(join(directory, 'accounts.conf'), 'utf8');
const seed = (user: string): string => readFileSync(join(directory, `${user}.seed`), 'utf8');

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'millrace-keys-'));
});
afterEach(() => {
  rmSync(directory, { recursive: true });
});

describe('the folder of keys', () => {
  it('has a seed for every user, for its owner alone, and gives servers none', () => {
    expect(folder().write()).toEqual(['edge', 'consumers', 'operators', 'system']);
    expect(seed('edge')).toMatch(/^SU[A-Z2-7]{56}\n$/);
    expect(statSync(join(directory, 'edge.seed')).mode & 0o077).toBe(0);
    expect(accounts()).not.toMatch(/\bS[A-Z2-7]{57}/);
    expect(accounts()).toMatch(/^EDGE_KEY: U[A-Z2-7]{55}$/m);
  });

  it('is the same when it is written again, by another run too', () => {
    const keys = folder();
    keys.add('acme', true);
    keys.write();
    const before = [accounts(), seed('edge'), seed('tenant-acme')];
    keys.write();
    folder().write();
    // named without --reads, it keeps what it had
    const again = folder();
    again.add('acme', false);
    again.write();
    expect([accounts(), seed('edge'), seed('tenant-acme')]).toEqual(before);
  });

  it('gives a tenant what is its own, and events only where they were asked for', () => {
    const keys = folder();
    keys.add('acme', false);
    keys.add('globex', true);
    keys.write();
    const [acme = '', globex = ''] = accounts().split('TENANT_').slice(1);
    expect(acme).toMatch(/^acme \{/);
    expect(acme).not.toMatch(/globex|millrace\.events|millrace\.receipts/);
    expect(globex).toMatch(/millrace\.events\.globex\.>/);
    expect(globex).not.toMatch(/acme/);
  });

  it('lets a user have two keys for a while', () => {
    const keys = folder();
    keys.write();
    const first = accounts();
    expect(first).not.toContain('_NEXT');
    keys.begin('edge');
    keys.begin('edge');
    keys.write();
    const both = accounts();
    expect(both.match(/\{ nkey: \$EDGE_KEY(_NEXT)? \}/g)).toHaveLength(2);
    expect(both).not.toContain('CONSUMERS_KEY_NEXT');
    const next = /^EDGE_KEY_NEXT: (\w+)$/m.exec(both)?.[1];
    keys.end('edge');
    keys.write();
    expect(accounts()).toContain(`EDGE_KEY: ${next}`);
    expect(accounts()).not.toContain('_NEXT');
    expect(() => keys.end('edge')).toThrow('no second key');
    expect(() => keys.begin('nobody')).toThrow('no user');
  });

  it('forgets a tenant with its keys', () => {
    const keys = folder();
    keys.add('acme', false);
    keys.write();
    keys.begin('tenant-acme');
    keys.write();
    expect(accounts().match(/nkey: U/g)).toHaveLength(2);
    keys.remove('acme');
    keys.write();
    expect(accounts()).not.toContain('acme');
    expect(readdirSync(directory).filter((file) => file.includes('acme'))).toEqual([]);
    expect(() => keys.remove('acme')).toThrow('no tenant');
  });
});
