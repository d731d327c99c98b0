import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildClient, type BuiltClient } from '../../../scripts/build-client.mjs';
import { npmCommand, npmEnvironment } from '../../../scripts/launch/common.mjs';
import { ROOT } from '../repository/files.ts';

const CORE_GZIP_BYTES_MAX = 15_000;
/** npm and a compiler, on a machine that does other things too */
const SETUP_MS_MAX = 300_000;

let folder: string;
let project: string;
let built: BuiltClient;

function npm(cwd: string, ...args: string[]): string {
  const { command, args: before } = npmCommand();
  return execFileSync(command, [...before, ...args], { cwd, env: npmEnvironment(), encoding: 'utf8', stdio: 'pipe' });
}

/** Runs a module of the empty project. */
function run(source: string): string {
  const file = join(project, 'main.mjs');
  writeFileSync(file, source);
  return execFileSync(process.execPath, [file], { cwd: project, encoding: 'utf8', stdio: 'pipe' });
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-client-'));
  const source = join(folder, 'package');
  project = join(folder, 'project');
  built = await buildClient(source);
  const [packed] = JSON.parse(npm(source, 'pack', '--json', '--pack-destination', folder)) as { filename: string }[];
  mkdirSync(project);
  writeFileSync(join(project, 'package.json'), JSON.stringify({ name: 'empty', private: true, type: 'module' }));
  npm(project, 'install', '--offline', '--no-audit', '--no-fund', join(folder, packed?.filename ?? ''));
}, SETUP_MS_MAX);

afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('the package @millrace/client', () => {
  it(`has a core of at most ${CORE_GZIP_BYTES_MAX} bytes, minified and compressed`, () => {
    const bytes = gzipSync(readFileSync(join(folder, 'package/dist/index.js')), { level: 9 }).length;
    expect(bytes).toBeLessThanOrEqual(CORE_GZIP_BYTES_MAX);
  });

  it('is made of client/ and of the pure part of shared/ alone', () => {
    const foreign = Object.values(built.inputs)
      .flat()
      .filter((path) => !/^(?:client|shared\/(?:core|contract))\//.test(path));
    expect(foreign).toEqual([]);
    expect(readFileSync(join(folder, 'package/dist/index.js'), 'utf8')).not.toMatch(/\bZod|from"/);
  });

  it('works in an empty project without React', () => {
    const said = run(`
      import { Millrace, MillraceError } from '@millrace/client';
      const client = new Millrace({ url: 'http://127.0.0.1:9', getToken: () => 'token' });
      const session = client.session('s');
      const { settled } = session.send('hello');
      console.log(session.getSnapshot().messages[0].text, session.getSnapshot().messages[0].state);
      client.close();
      console.log(await settled.catch((error) => error instanceof MillraceError && error.code));
    `);
    expect(said).toBe('hello pending\nclosed\n');
  });

  it('says so where its hooks are used without React', () => {
    expect(() => run(`import '@millrace/client/react';`)).toThrow(/Cannot find package 'react'/);
  });

  it('gives React its hooks', () => {
    for (const name of ['react', 'react-dom', 'scheduler']) {
      cpSync(join(ROOT, 'node_modules', name), join(project, 'node_modules', name), { recursive: true });
    }
    const said = run(`
      import { createElement } from 'react';
      import { renderToString } from 'react-dom/server';
      import { Millrace } from '@millrace/client';
      import { MillraceProvider, useMessages } from '@millrace/client/react';
      const client = new Millrace({ url: 'http://127.0.0.1:9', getToken: () => 'token' });
      const Count = () => 'messages: ' + useMessages('s').messages.length;
      console.log(renderToString(createElement(MillraceProvider, { client }, createElement(Count))));
      client.close();
    `);
    expect(said).toBe('messages: 0\n');
  });

  it('has types that an application compiles with', () => {
    writeFileSync(
      join(project, 'typed.ts'),
      `import { Millrace, type Event } from '@millrace/client';
       import { Operator, type Overview } from '@millrace/client/admin';
       const operator = new Operator({ url: 'x', getToken: async () => 'token' });
       export const look = (): Promise<Overview> => operator.overview();
       const client = new Millrace({ url: 'x', getToken: async () => 'token' });
       export async function use(): Promise<string> {
         const { entityId } = await client.session('s').command('message.send', { text: 'typed' });
         // @ts-expect-error the field is called text, and a typo must not compile
         void client.session('s').command('message.send', { txt: 'typo' });
         for await (const event of client.session('s').events()) if (event.type === 'message.created') return (event satisfies Event).id;
         return entityId;
       }`,
    );
    const options = { strict: true, module: 'nodenext', target: 'es2022', lib: ['es2023', 'dom'], noEmit: true, types: [] };
    writeFileSync(join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions: options, files: ['typed.ts'] }));
    // its declarations are checked too: skipLibCheck is off
    const said = execFileSync(join(ROOT, 'node_modules/.bin/tsc'), ['-p', project], { encoding: 'utf8', stdio: 'pipe' });
    expect(said).toBe('');
  });
});
