// An agent that answers whoever mentions it: over NATS alone, token by token, with a trace, and it stops when it is told to.
// The answer is thought up here; put your model's token stream in its place.
import { setTimeout as pause } from 'node:timers/promises';
import { DeliverPolicy, jetstream } from '@nats-io/jetstream';
import { connect, createInbox, headers, type NatsConnection } from '@nats-io/transport-node';

const TENANT = process.env['MILLRACE_TENANT'] ?? 'default';
const ME = { id: 'quill', name: 'Quill', kind: 'agent' } as const;
const REPLY_MS_MAX = 30_000;
const TOKEN_EVERY_MS = 40;

interface MessageEvent {
  id: string;
  sessionid: string;
  actorkind: string;
  data: { id: string; text: string; mentions: string[] };
}

const nats = await connect({ servers: process.env['MILLRACE_NATS_URL'] ?? 'nats://127.0.0.1:4222' });

/** One command like any other: durable in its stream at once, and its outcome comes to a subject of our own. */
async function command(session: string, name: string, data: object, key: string): Promise<{ entityId: string }> {
  const inbox = createInbox();
  const answers = nats.subscribe(inbox, { max: 1, timeout: REPLY_MS_MAX });
  const head = headers();
  head.set('Millrace-Reply', inbox);
  head.set('Millrace-Idempotency-Key', key);
  const payload = JSON.stringify({ command: name, data, actor: ME });
  await jetstream(nats).publish(`millrace.commands.${TENANT}.${session}`, payload, { headers: head });
  for await (const reply of answers) {
    const said = reply.json<{ entityId: string; code?: string; detail?: string }>();
    if (said.code !== undefined) throw new Error(`${name}: ${said.code}: ${said.detail}`);
    return said;
  }
  throw new Error(`${name}: no answer`);
}

/** Chunks are shown at once and may be lost on the way: stream.finish says the whole text. */
function chunk(session: string, messageId: string, index: number, text: string): void {
  const signal = { name: 'stream', actor: ME, data: { messageId, index, text } };
  nats.publish(`millrace.signals.${TENANT}.${session}`, JSON.stringify(signal));
}

/** Aborts when somebody stops this message. */
function cancelled(connection: NatsConnection, session: string, messageId: string): AbortController {
  const stop = new AbortController();
  const signals = connection.subscribe(`millrace.signals.${TENANT}.${session}`);
  stop.signal.addEventListener('abort', () => signals.unsubscribe());
  void (async () => {
    for await (const each of signals) {
      const { name, data } = each.json<{ name: string; data: { messageId?: string } }>();
      if (name === 'cancel' && data.messageId === messageId) stop.abort('cancelled');
    }
  })();
  return stop;
}

async function* think(question: string): AsyncGenerator<string> {
  const words = `You asked: ${question} Let me count the gates, one after the other. `.split(' ');
  for (let gate = 1; gate <= 60; gate += 1) words.push(`gate ${gate} is shut,`);
  for (const word of words) {
    yield `${word} `;
    await pause(TOKEN_EVERY_MS);
  }
}

async function answer(event: MessageEvent): Promise<void> {
  const session = event.sessionid;
  const messageId = `answer-${event.id}`;
  const key = (step: string): string => `${messageId}-${step}`;
  const startedAt = new Date().toISOString();
  const { entityId: traceId } = await command(session, 'trace.start', { name: 'answer' }, key('trace'));
  const start = { messageId, parentId: event.data.id, role: 'assistant', name: ME.name };
  await command(session, 'stream.start', start, key('start'));
  const stop = cancelled(nats, session, messageId);
  let text = '';
  let index = 0;
  for await (const token of think(event.data.text)) {
    if (stop.signal.aborted) break;
    chunk(session, messageId, index, token);
    text += token;
    index += 1;
  }
  const span = { traceId, spanId: 'think', name: 'think', kind: 'model', startedAt, endedAt: new Date().toISOString() };
  await command(session, 'trace.append', { ...span, output: { tokens: index } }, key('span'));
  if (stop.signal.aborted) console.log(`stopped after ${index} tokens`);
  else await command(session, 'stream.finish', { messageId, status: 'completed', text }, key('finish'));
  stop.abort('done');
  const status = stop.signal.reason === 'cancelled' ? 'failed' : 'completed';
  await command(session, 'trace.finish', { traceId, status, ...(status === 'failed' ? { error: 'stopped' } : {}) }, key('end'));
}

const messages = await jetstream(nats).consumers.get('MILLRACE_EVENTS', {
  filter_subjects: `millrace.events.${TENANT}.message.created.*`,
  deliver_policy: DeliverPolicy.New,
});
const incoming = await messages.consume();
for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => void nats.drain());
console.log('listening');
for await (const message of incoming) {
  const event = message.json<MessageEvent>();
  if (event.actorkind !== 'user' || !event.data.mentions.includes(ME.id)) continue;
  // one conversation does not wait for another
  answer(event).catch((error: unknown) => console.error(error instanceof Error ? error.message : error));
}
