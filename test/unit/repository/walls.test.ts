import { describe, expect, it } from 'vitest';
import { isSource, repositoryFiles, textOf } from './files.ts';
import { breaches, importsOf } from './walls.ts';

const sources = new Map(
  repositoryFiles()
    .filter(isSource)
    .map((path) => [path, textOf(path)]),
);

describe('the walls between the parts', () => {
  it('stand', () => {
    expect(breaches(sources)).toEqual([]);
  });

  it('are looked at in every part that holds code', () => {
    const parts = new Set([...sources.keys()].map((path) => path.split('/')[0]));
    for (const part of ['shared', 'worker', 'consumers', 'scripts', 'test']) expect(parts).toContain(part);
  });

  it.each([
    ['shared/core/x.ts', `import { z } from 'zod';`],
    ['shared/core/x.ts', `import type { z } from 'zod';`],
    ['shared/core/x.ts', `import { readFile } from 'node:fs';`],
    ['shared/contract/x.ts', `import { DurableObject } from 'cloudflare:workers';`],
    ['shared/contract/x.ts', `import 'node:crypto';`],
    ['shared/contract/x.ts', `import { stemmer } from 'stemmer';`],
    ['shared/search/x.ts', `import { z } from 'zod';`],
    ['shared/contract/x.ts', `import { room } from '../../worker/session/room.ts';`],
    ['shared/core/x.ts', `export * from '../../consumers/main.ts';`],
    ['shared/core/x.ts', 'const at = Date.now();'],
    ['shared/core/x.ts', 'const chance = Math.random();'],
    ['worker/session/x.ts', `import { store } from '../../consumers/stores/history/sqlite.ts';`],
    ['worker/x.ts', `const store = await import('../consumers/main.ts');`],
    ['worker/x.ts', `type Store = import("../consumers/main.ts").Store;`],
    ['worker/x.ts', `import { port } from '../scripts/start.ts';`],
    ['worker/x.ts', `import { client } from '../test/support/client.ts';`],
    ['consumers/runtime/x.ts', `import type { Env } from '../../worker/env.ts';`],
    ['consumers/x.ts', `import {\n  connect,\n  headers,\n} from 'nats.ws';`],
    ['worker/session/x.ts', `import { connect } from 'nats.ws';`],
    ['worker/uplink.ts', `import { connect } from 'nats.ws';`],
    ['worker/uplink/x.ts', `import { connect } from '@nats-io/transport-node';`],
    ['scripts/x.ts', `import { Env } from '../worker/env.ts';`],
    ['test/conformance/suite/x.ts', `import { ROUTES } from '../../../shared/contract/catalogue.ts';`],
    ['test/conformance/x.ts', `import { answers } from '../../scripts/replay/client.ts';`],
  ])('would stop, in %s: %s', (path, text) => {
    expect(breaches(new Map([[path, text]]))).toHaveLength(1);
  });

  it.each([
    ['shared/contract/x.ts', `import { z } from 'zod';\nimport { SEQ_MAX } from '../core/limits.ts';`],
    ['worker/uplink/x.ts', `import { connect } from 'nats.ws';`],
    ['shared/search/x.ts', `import { stemmer } from 'stemmer';`],
    [
      'worker/session/x.ts',
      `import { DurableObject } from 'cloudflare:workers';\nimport { decide } from '../../shared/core/decide.ts';`,
    ],
    ['consumers/x.ts', `import { jetstream } from '@nats-io/jetstream';`],
    ['test/conformance/x.ts', `import { startStack } from '../support/stack.ts';\nimport { ask } from './http.ts';`],
    ['test/system/x.ts', `import { room } from '../../worker/session/room.ts';\nimport { connect } from 'nats.ws';`],
  ])('would let pass, in %s: %s', (path, text) => {
    expect(breaches(new Map([[path, text]]))).toEqual([]);
  });

  it('see every form of import', () => {
    const text = `import a from 'a';\nimport type { b } from "b";\nimport 'c';\nexport { d } from 'd';\nconst e = await import('e');\nexport {\n  f,\n} from 'f';`;
    expect(importsOf(text).toSorted((x, y) => x.localeCompare(y))).toEqual(['a', 'b', 'c', 'd', 'e', 'f']);
  });
});
