import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { nkeys } from '@nats-io/transport-node';
import { z } from 'zod';

/**
 * The folder of keys, and of what deploy/nats/*.conf include. What the server is given are public keys alone: the seeds stay
 * with whoever logs in with them.
 */

/** users that every system has; a tenant's are called `tenant-{tenant}` */
const USERS = ['edge', 'consumers', 'operators', 'system'] as const;
const TENANTS_LINE = /^ *# TENANTS\n/m;
/** of a user that has two keys for a while */
const SECOND_KEY = /^.*\$(\w+)_KEY_NEXT\b.*\n/gm;

const tenantsFile = z.record(z.string(), z.strictObject({ reads: z.boolean() }));
type Tenants = z.infer<typeof tenantsFile>;

export class KeyFolder {
  readonly #directory: string;
  readonly #template: string;
  readonly #tenants: Tenants;

  /** `template`: the text of deploy/nats/accounts.conf */
  constructor(directory: string, template: string) {
    this.#directory = directory;
    this.#template = template;
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    const known = this.#path('tenants.json');
    this.#tenants = existsSync(known) ? tenantsFile.parse(JSON.parse(readFileSync(known, 'utf8'))) : {};
  }

  /** `reads`: its backends may read its events and receipts, from now on. */
  add(tenant: string, reads: boolean): void {
    this.#tenants[tenant] = { reads: reads || (this.#tenants[tenant]?.reads ?? false) };
  }

  /** A tenant's user and account go; what it has in the streams stays. */
  remove(tenant: string): void {
    if (this.#tenants[tenant] === undefined) throw new Error(`there is no tenant ${tenant} in ${this.#directory}`);
    delete this.#tenants[tenant];
    for (const file of [`${userOf(tenant)}.seed`, nextOf(userOf(tenant))]) rmSync(this.#path(file), { force: true });
  }

  /** A second key for a user: both log in until the first is retired. Making it again changes nothing. */
  begin(user: string): void {
    if (!existsSync(this.#path(`${user}.seed`))) throw new Error(`there is no user ${user} in ${this.#directory}`);
    this.#ensureSeed(nextOf(user));
  }

  /** The second key takes the place of the first. */
  end(user: string): void {
    if (!existsSync(this.#path(nextOf(user)))) throw new Error(`${user} has no second key: begin with one`);
    renameSync(this.#path(nextOf(user)), this.#path(`${user}.seed`));
  }

  /** Makes the keys that are missing, and writes what the servers include. Answers every user. */
  write(): string[] {
    const tenants = Object.keys(this.#tenants).sort();
    const users = [...USERS, ...tenants.map(userOf)];
    for (const user of users) this.#ensureSeed(`${user}.seed`);
    const keys = USERS.flatMap((user) => {
      const [first, second] = this.#publicKeys(user);
      const variable = `${user.toUpperCase()}_KEY`;
      return [`${variable}: ${first}`, ...(second === undefined ? [] : [`${variable}_NEXT: ${second}`])];
    });
    const haveTwo = new Set(USERS.filter((user) => this.#publicKeys(user).length > 1).map((user) => user.toUpperCase()));
    const accounts = tenants.map((tenant) =>
      accountOf(tenant, this.#tenants[tenant]?.reads ?? false, this.#publicKeys(userOf(tenant))),
    );
    const text = this.#template
      .replaceAll(SECOND_KEY, (line, user: string) => (haveTwo.has(user) ? line : ''))
      .replace(TENANTS_LINE, () =>
        accounts
          .flat()
          .map((line) => `  ${line}\n`)
          .join(''),
      );
    this.#put('tenants.json', `${JSON.stringify(this.#tenants, undefined, 2)}\n`);
    this.#put(
      'accounts.conf',
      `# Made by \`npm run nats-keys\` of deploy/nats/accounts.conf: change that one.\n\n${keys.join('\n')}\n\n${text}`,
    );
    return users;
  }

  #ensureSeed(file: string): void {
    if (existsSync(this.#path(file))) return;
    const seed = new TextDecoder().decode(nkeys.createUser().getSeed());
    writeFileSync(this.#path(file), `${seed}\n`, { mode: 0o600, flag: 'wx' });
  }

  #publicKeys(user: string): string[] {
    return [`${user}.seed`, nextOf(user)]
      .filter((file) => existsSync(this.#path(file)))
      .map((file) => nkeys.fromSeed(new TextEncoder().encode(readFileSync(this.#path(file), 'utf8').trim())).getPublicKey());
  }

  #put(file: string, text: string): void {
    const fresh = this.#path(`${file}.new`);
    writeFileSync(fresh, text);
    renameSync(fresh, this.#path(file));
  }

  #path(file: string): string {
    return join(this.#directory, file);
  }
}

function userOf(tenant: string): string {
  return `tenant-${tenant}`;
}

function nextOf(user: string): string {
  return `${user}.next.seed`;
}

/** What backends of a tenant see: their own commands, signals and replies; with `reads` also what happens, and what is persisted. */
function accountOf(tenant: string, reads: boolean, keys: readonly string[]): string[] {
  const [commands, signals, replies] = [`millrace.commands.${tenant}.*`, `millrace.signals.${tenant}.*`, `replies.${tenant}.>`];
  const events = `millrace.events.${tenant}.>`;
  const receipts = `millrace.receipts.${tenant}.*`;
  const heard = [signals, replies, ...(reads ? [events, receipts] : [])];
  const listed = (subjects: readonly string[]): string => `[${subjects.map((each) => `"${each}"`).join(', ')}]`;
  const may = `{ publish: ${listed([commands, signals])}, subscribe: ${listed(['_INBOX.>', ...heard])} }`;
  // what the edge says is in its own account before it is in that of the streams, and goes on to others from there alone
  const accountOfEdge = [signals, events];
  const imported = (kind: string, subject: string): string => {
    const account = kind === 'stream' && accountOfEdge.includes(subject) ? 'EDGE' : 'MILLRACE';
    return `    { ${kind}: { account: ${account}, subject: "${subject}" } }`;
  };
  return [
    `TENANT_${tenant} {`,
    '  imports: [',
    ...[commands, signals].map((subject) => imported('service', subject)),
    ...heard.map((subject) => imported('stream', subject)),
    '  ]',
    '  users: [',
    ...keys.map((key) => `    { nkey: ${key}, permissions: ${may} }`),
    '  ]',
    '}',
  ];
}
