import { dirname, join } from 'node:path/posix';

/** What each part of the repository may import of the others (design: layout). Tests may import everything. */
const ALLOWED: Readonly<Record<string, readonly string[]>> = {
  shared: ['shared'],
  worker: ['shared', 'worker'],
  consumers: ['shared', 'consumers'],
  client: ['shared', 'client'],
  web: ['shared', 'client', 'web'],
  scripts: ['shared', 'scripts'],
  // it measures a read model's own writes beside the read model
  bench: ['shared', 'scripts', 'consumers', 'bench'],
};

/** What shared/ may use; the client, which must stay small, takes neither folder's code. */
const SHARED_PACKAGES: readonly { home: string; packages: RegExp }[] = [
  { home: 'shared/contract/', packages: /^zod(?:\/|$)/ },
  { home: 'shared/search/', packages: /^stemmer$/ },
];

/** Packages with one home: path prefix under which they may be imported. Type-only imports count too. */
const HOMES: readonly { packages: RegExp; home: string; of: readonly string[] }[] = [
  // the edge's connection to NATS lives in the Uplinks alone (design decision 4)
  { packages: /^nats\.ws$/, home: 'worker/uplink/', of: ['worker', 'consumers', 'client', 'web', 'scripts'] },
  { packages: /^cloudflare:/, home: 'worker/', of: ['worker', 'consumers', 'client', 'web', 'scripts', 'bench'] },
  { packages: /^@nats-io\//, home: 'consumers/', of: ['worker', 'consumers', 'client', 'web'] },
  // most checkouts have none of it: a program without traces must not name it
  { packages: /^@opentelemetry\//, home: 'worker/telemetry/', of: ['worker'] },
  { packages: /^@opentelemetry\//, home: 'consumers/telemetry/', of: ['consumers', 'client', 'web', 'scripts', 'bench'] },
  { packages: /^cassandra-driver$/, home: 'consumers/stores/', of: ['worker', 'consumers', 'client', 'web', 'scripts', 'bench'] },
];

/** Every module a source names: static, for side effects, re-exported, dynamic, and in types. */
export function importsOf(text: string): string[] {
  const found: string[] = [];
  const patterns = [
    /^\s*(?:import|export)\b[^'";]*?\bfrom\s*(['"])(.+?)\1/gm,
    /^\s*import\s*(['"])(.+?)\1/gm,
    /\b(?:import|require)\(\s*(['"])(.+?)\1/g,
  ];
  for (const pattern of patterns) for (const [, , name] of text.matchAll(pattern)) if (name !== undefined) found.push(name);
  return found;
}

/** Runs in workerd in the worker's place, with its check of tokens: what the worker's commands are measured against. */
const STANDS_FOR_WORKER = 'bench/servers/bare-edge.mjs';

function partOf(path: string): string {
  return path === STANDS_FOR_WORKER ? 'worker' : (path.split('/')[0] ?? '');
}

/** The suite of the contract knows the contract: of ours it imports only what starts a system for it. */
const BLACK_BOX = 'test/conformance/';

function blackBoxBreach(path: string, target: string): string | undefined {
  const isKnown = !path.startsWith(BLACK_BOX) || target.startsWith(BLACK_BOX) || target.startsWith('test/support/');
  return isKnown ? undefined : 'a suite that looks from outside may not import what it looks at';
}

/** Says what is wrong with one import, or undefined. */
function breach(path: string, name: string): string | undefined {
  const part = partOf(path);
  if (name.startsWith('.')) {
    const seenFromOutside = blackBoxBreach(path, join(dirname(path), name));
    if (seenFromOutside !== undefined) return seenFromOutside;
    const target = partOf(join(dirname(path), name));
    return ALLOWED[part]?.includes(target) === false ? `${part}/ may not import ${target}/` : undefined;
  }
  if (part === 'shared') {
    const allowed = SHARED_PACKAGES.some(({ home, packages }) => path.startsWith(home) && packages.test(name));
    return allowed ? undefined : 'shared/ has no platform and no package but zod in contract/ and stemmer in search/';
  }
  const atHome = (home: string): boolean => path.startsWith(home) || (path === STANDS_FOR_WORKER && home === 'worker/');
  const homeless = HOMES.find(({ packages, home, of }) => packages.test(name) && of.includes(part) && !atHome(home));
  return homeless === undefined ? undefined : `only ${homeless.home} may import it`;
}

/** core decides by what it is given: time, ids and randomness come from outside (design decision 8). */
const AMBIENT =
  /\b(?:Date\.now\(|new Date\(\)|performance\.now\(|Math\.random\(|crypto\.|setTimeout\(|setInterval\(|process\.|fetch\()/;

/** Every breach of the walls in these sources, as `path: why`. */
export function breaches(sources: ReadonlyMap<string, string>): string[] {
  const found: string[] = [];
  for (const [path, text] of sources) {
    if (ALLOWED[partOf(path)] === undefined && !path.startsWith(BLACK_BOX)) continue;
    for (const name of importsOf(text)) {
      const why = breach(path, name);
      if (why !== undefined) found.push(`${path}: imports ${name}: ${why}`);
    }
    if (path.startsWith('shared/core/') && AMBIENT.test(text))
      found.push(`${path}: takes time, chance or the world from around it`);
  }
  return found;
}
