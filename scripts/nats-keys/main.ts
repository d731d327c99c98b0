// `npm run nats-keys -- DIR`: keys of the users of deploy/nats, and an account per tenant.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { TENANT_PATTERN } from '../../shared/core/ids.ts';
import { KeyFolder } from './key-folder.ts';

const TEMPLATE = join(import.meta.dirname, '../../deploy/nats/accounts.conf');

interface Options {
  tenant: string[];
  reads: string[];
  begin: string[];
  end: string[];
  remove: string[];
}

function tenants(value: string, before: string[]): string[] {
  if (!TENANT_PATTERN.test(value)) throw new InvalidArgumentError('It must be the name of a tenant.');
  return [...before, value];
}

function users(value: string, before: string[]): string[] {
  return [...before, value];
}

new Command('nats-keys')
  .description(
    'Makes the keys of the users of deploy/nats where they are missing: public keys for the server, seeds for who logs in.',
  )
  .argument('<folder>', 'where the seeds are kept, and accounts.conf is written: deploy/nats/keys includes it from there')
  .option('--tenant <tenant>', 'an account for its backends; may be repeated', tenants, [])
  .option('--reads <tenant>', 'the same, and they may read its events and receipts; may be repeated', tenants, [])
  .option('--begin <user>', 'a second key beside the first, which both log in: edge, consumers, operators, tenant-…', users, [])
  .option('--end <user>', 'the second key in place of the first, which logs in no more', users, [])
  .option('--remove <tenant>', 'its account and keys', tenants, [])
  .action((folder: string, { tenant, reads, begin, end, remove }: Options) => {
    try {
      const keys = new KeyFolder(folder, readFileSync(TEMPLATE, 'utf8'));
      for (const name of tenant) keys.add(name, false);
      for (const name of reads) keys.add(name, true);
      for (const name of remove) keys.remove(name);
      for (const user of begin) keys.begin(user);
      for (const user of end) keys.end(user);
      for (const user of keys.write()) process.stdout.write(`${user}\n`);
      process.stderr.write('Copy accounts.conf to every server, and then on each: nats-server --signal reload\n');
    } catch (error) {
      process.stderr.write(`nats-keys: ${error instanceof Error ? error.message : String(error)}\n`);
      process.exitCode = 1;
    }
  })
  .parse();
