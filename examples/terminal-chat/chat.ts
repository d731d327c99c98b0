// A chat in a terminal: who writes is seen by all, streams grow as they come, and a lost connection is nobody's problem.
//   node examples/terminal-chat/chat.ts SESSION USER
import { execFileSync } from 'node:child_process';
import { createInterface } from 'node:readline';
import { Millrace } from '@millrace/client';

const [sessionId, user] = process.argv.slice(2);
if (sessionId === undefined || user === undefined) throw new Error('usage: chat.ts SESSION USER');

const client = new Millrace({
  url: process.env['MILLRACE_URL'] ?? 'http://127.0.0.1:8787',
  // yours asks your backend
  getToken: () => execFileSync('npm', ['run', '-s', 'token', '--', user], { encoding: 'utf8' }).trim(),
});

/** The first to come makes the room, the others join it. */
async function enter(id: string): Promise<void> {
  try {
    await client.createSession({ id, title: id, visibility: 'public' });
  } catch (error) {
    if ((error as { code?: string }).code !== 'conflict') throw error;
    await client.session(id).command('member.put', { userId: user as string, role: 'member' });
  }
}

await enter(sessionId);
const session = client.session(sessionId);
session.open();
await session.ready();
console.log(`in ${sessionId} as ${user}: write a line, /stop stops a stream, end with ctrl-d`);

const shown = new Set<string>();
let status = '';
const show = (): void => {
  const snapshot = session.getSnapshot();
  if (snapshot.status !== status) console.log(`(${(status = snapshot.status)})`);
  for (const { id, author, text, state, deletedAt, error } of snapshot.messages) {
    const key = `${id} ${text} ${state} ${deletedAt ?? ''}`;
    if (state === 'pending' || shown.has(key)) continue;
    shown.add(key);
    if (state === 'failed') console.log(`(not sent: ${error?.code}) ${text}`);
    else
      console.log(
        deletedAt === undefined ? `${author.name ?? author.id}: ${text}` : `${author.name ?? author.id} took a message back`,
      );
  }
};
show();
session.subscribe(show);

const lines = createInterface({ input: process.stdin });
for await (const line of lines) {
  const [stream] = session.getSnapshot().streams;
  if (line === '/stop' && stream !== undefined) await session.stop(stream.messageId);
  else if (line.trim() !== '') await session.send(line).settled.catch(() => undefined);
}
await session.markRead();
client.close();
