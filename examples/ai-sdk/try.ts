// What useChat does with the transport, without a page: ask, read along in a second place, stop there.
import { execFileSync } from 'node:child_process';
import { readUIMessageStream, type UIMessage } from 'ai';
import { Millrace } from '@millrace/client';
import { MillraceChatTransport } from './transport.ts';

const token = (): string => execFileSync('npm', ['run', '-s', 'token', '--', 'alice'], { encoding: 'utf8' }).trim();
const newClient = (): Millrace => new Millrace({ url: process.env['MILLRACE_URL'] ?? 'http://127.0.0.1:8787', getToken: token });
const [tab, otherTab] = [newClient(), newClient()];
const { sessionId } = await tab.createSession({ title: 'AI SDK', members: [{ userId: 'quill', role: 'member' }] });
const question = (text: string): UIMessage => ({ id: crypto.randomUUID(), role: 'user', parts: [{ type: 'text', text }] });
const ask = (text: string, abortSignal?: AbortSignal) =>
  new MillraceChatTransport(tab, 'quill').sendMessages({
    trigger: 'submit-message',
    chatId: sessionId,
    messageId: undefined,
    messages: [question(text)],
    abortSignal,
  });

async function read(stream: Awaited<ReturnType<typeof ask>>, onText: (text: string) => void = () => undefined): Promise<string> {
  let text = '';
  for await (const message of readUIMessageStream({ stream })) {
    text = message.parts.map((part) => (part.type === 'text' ? part.text : '')).join('');
    onText(text);
  }
  return text;
}

const whole = await read(await ask('Which gates are shut?'));
console.log(whole.endsWith('gate 60 is shut, ') ? 'read to its end' : `broken off: ${whole}`);

const stop = new AbortController();
const answer = read(await ask('And now?'), (text) => text.includes('gate 3') && void resume());
let resumed: Promise<string> | undefined;
async function resume(): Promise<void> {
  if (resumed !== undefined) return;
  const transport = new MillraceChatTransport(otherTab, 'quill');
  resumed = transport.reconnectToStream({ chatId: sessionId, abortSignal: stop.signal }).then(async (stream) => {
    if (stream === null) return 'nothing to resume';
    return await read(stream, (text) => text.includes('gate 6') && stop.abort());
  });
}
const cut = await answer;
console.log(cut === (await resumed) && !cut.includes('gate 60') ? 'resumed and stopped in another tab' : `not so: ${cut}`);
tab.close();
otherTab.close();
process.exit(0);
