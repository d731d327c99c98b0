import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { linesOf, survey } from '../../../../scripts/import/file.ts';
import { Resume } from '../../../../scripts/import/resume.ts';
import { runImport, type ImportReport } from '../../../../scripts/import/run.ts';
import { HttpClient } from '../../../../scripts/replay/http.ts';

const SESSION = { type: 'session', id: 's', title: 'S', owner: 'ada' };
const MEMBER = { type: 'member', session: 's', user: 'bo', role: 'owner' };
const message = (id: string, author: string, text = 'x'): object => {
  return { type: 'message', session: 's', id, author, text, createdAt: '2019-05-01T09:30:00Z' };
};

let folder: string;
let file: string;
let server: Server;
/** method and path of what came, in order */
let asked: string[];
let statusOf: (asked: string) => number;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-import-unit-'));
  file = join(folder, 'export.ndjson');
  asked = [];
  statusOf = () => 202;
  server = createServer((request, response) => {
    const what = `${request.method ?? ''} ${request.url ?? ''}`;
    asked.push(what);
    const status = statusOf(what);
    response.writeHead(status, { 'Content-Type': 'application/json' }).end(status === 202 ? '{}' : '{"code":"forbidden"}');
  });
  await new Promise<void>((settle) => server.listen(0, '127.0.0.1', settle));
});
afterEach(async () => {
  await new Promise((settle) => server.close(settle));
  rmSync(folder, { recursive: true, force: true });
});

function write(lines: readonly object[]): void {
  writeFileSync(file, lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
}

async function run(): Promise<ImportReport> {
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const http = new HttpClient({ url, patienceMs: 5_000 });
  return await runImport(file, await survey(file), { http, inFlight: 1, resume: new Resume(file, url) });
}

describe('an import', () => {
  it('ends lines where JSON does not: at line feeds alone', async () => {
    write([SESSION, message('a', 'ada', 'one\u2028two\u2029three')]);
    const texts: unknown[] = [];
    for await (const { line } of linesOf(file)) if (line.type === 'message') texts.push(line.text);
    expect(texts).toEqual(['one\u2028two\u2029three']);
  });

  it('that goes on after a stop lets nobody join who is a member already: it would cost an owner that role', async () => {
    write([SESSION, MEMBER, message('a', 'bo'), message('b', 'cy'), message('c', 'bo'), message('d', 'cy')]);
    statusOf = (what) => (what.endsWith('/messages') && asked.filter((each) => each === what).length === 3 ? 403 : 202);
    expect(await run()).toMatchObject({ refused: 1 });
    asked = [];
    statusOf = () => 202;
    expect(await run()).toMatchObject({ skipped: 4, refused: 0 });
    expect(asked).toEqual(['POST /v1/sessions/s/messages', 'POST /v1/sessions/s/messages']);
  });

  it('tries again what was refused, and says so again', async () => {
    write([SESSION, message('a', 'ada'), message('b', 'ada')]);
    statusOf = (what) => (what.endsWith('/messages') ? 403 : 202);
    expect(await run()).toMatchObject({ refused: 2, skipped: 0 });
    expect(await run()).toMatchObject({ refused: 2, skipped: 1 });
    statusOf = () => 202;
    expect(await run()).toMatchObject({ refused: 0, skipped: 1, sent: { message: 2 } });
    expect(await run()).toMatchObject({ skipped: 3 });
  });
});
