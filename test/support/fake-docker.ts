import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** How the engine behaves that the scripted `docker` stands in for. */
export interface FakeEngine {
  version: 'answers' | 'refuses' | 'hangs';
  /** the image has to be fetched first, and can be or not */
  image: 'here' | 'fetched' | 'refused';
  /** port of a real Cassandra, to which the port that a container publishes leads */
  cassandraPort?: number;
}

/** A `docker` that notes what it is asked, and whose containers lead to a Cassandra that runs already. */
export interface FakeDocker {
  /** to put first on PATH */
  path: string;
  behave(engine: FakeEngine): void;
  /** command lines so far */
  calls(): string[];
  /** names of what runs */
  containers(): string[];
  /** Ends what runs and removes all traces. */
  dispose(): void;
}

/** The program. As Docker does: `run` holds the terminal until the container ends, and refuses a name that is taken. */
const PROGRAM = `#!NODE
const { appendFileSync, existsSync, readFileSync, rmSync, writeFileSync } = require('node:fs');
const { createServer, connect } = require('node:net');
const folder = FOLDER;
const [command, ...rest] = process.argv.slice(2);
appendFileSync(folder + '/calls', process.argv.slice(2).join(' ') + '\\n');
const engine = JSON.parse(readFileSync(folder + '/engine.json', 'utf8'));
const file = (name) => folder + '/containers/' + name;
const end = (name) => {
  if (!existsSync(file(name))) return;
  try { process.kill(Number(readFileSync(file(name), 'utf8')), 'SIGKILL'); } catch {}
  rmSync(file(name), { force: true });
};
if (command === 'version') {
  if (engine.version === 'hangs') setInterval(() => {}, 1_000);
  else process.exitCode = engine.version === 'answers' ? 0 : 1;
} else if (command === 'image') process.exitCode = engine.image === 'here' ? 0 : 1;
else if (command === 'pull') {
  if (engine.image === 'refused') console.error('Error response from daemon: no route to registry');
  process.exitCode = engine.image === 'refused' ? 1 : 0;
} else if (command === 'stop' || command === 'rm') end(rest.at(-1));
else if (command === 'run') {
  const name = rest.find((each) => each.startsWith('--name=')).slice('--name='.length);
  const port = Number(rest.find((each) => each.startsWith('--publish=')).split(':')[1]);
  if (existsSync(file(name))) {
    console.error('Conflict. The container name is already in use');
    process.exit(125);
  }
  writeFileSync(file(name), String(process.pid));
  createServer((socket) => {
    const inner = connect(engine.cassandraPort, '127.0.0.1');
    for (const each of [socket, inner]) each.on('error', () => { socket.destroy(); inner.destroy(); });
    socket.pipe(inner).pipe(socket);
  }).listen(port, '127.0.0.1');
}
`;

export function fakeDocker(): FakeDocker {
  const path = mkdtempSync(join(tmpdir(), 'millrace-docker-'));
  const containers = join(path, 'containers');
  mkdirSync(containers);
  const program = PROGRAM.replace('NODE', process.execPath).replace('FOLDER', JSON.stringify(path));
  writeFileSync(join(path, 'docker'), program, { mode: 0o755 });
  return {
    path,
    behave: (engine) => writeFileSync(join(path, 'engine.json'), JSON.stringify(engine)),
    calls: () => (existsSync(join(path, 'calls')) ? readFileSync(join(path, 'calls'), 'utf8').trim().split('\n') : []),
    containers: () => readdirSync(containers),
    dispose() {
      for (const name of readdirSync(containers)) {
        try {
          process.kill(Number(readFileSync(join(containers, name), 'utf8')), 'SIGKILL');
        } catch {
          // it ended by itself
        }
      }
      rmSync(path, { recursive: true, force: true });
    },
  };
}
