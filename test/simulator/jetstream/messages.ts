import { JetStreamError } from '@nats-io/jetstream';
import { headers, type MsgHdrs } from '@nats-io/transport-node';
import type { Machine } from '../machine.ts';
import { TimedOut, type Network } from '../network.ts';
import type { World } from '../world.ts';
import type { SimulatedConsumer, Pull } from './consumer.ts';
import type { NatsServer } from './server.ts';
import type { StoredMessage } from './stream.ts';

/** a pull that the server says nothing of any more has lost its connection */
const SILENT_MS_MAX = 3_000;
const REORDER_MS_MAX = 2_000;
const REPEAT_MS_MAX = 20_000;
const NANOS_PER_MS = 1_000_000;
const ACK_MS_DEFAULT = 5_000;

export interface Wire {
  world: World;
  machine: Machine;
  network: Network;
  server: NatsServer;
}

/** Messages of one pull as they come in, for `for await`; ends as the real client's do. */
export class SimulatedMessages {
  readonly #arrived: object[] = [];
  #wake: () => void = () => {};
  #ended = false;
  #error: Error | undefined;

  push(message: object): void {
    if (this.#ended) return;
    this.#arrived.push(message);
    this.#wake();
  }

  end(error?: Error): void {
    this.#ended = true;
    this.#error ??= error;
    this.#wake();
  }

  stop(): void {
    this.end();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<object> {
    for (;;) {
      const next = this.#arrived.shift();
      if (next !== undefined) {
        yield next;
        continue;
      }
      if (this.#ended) {
        if (this.#error !== undefined) throw this.#error;
        return;
      }
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}

/** Asks a consumer for messages; they come back over the network one by one. */
export function fetchFrom(
  wire: Wire,
  find: () => SimulatedConsumer | undefined,
  options: { max_messages?: number; max_bytes?: number; expires?: number },
): SimulatedMessages {
  const { world, machine, network, server } = wire;
  const messages = new SimulatedMessages();
  const expiresMs = options.expires ?? 30_000;
  const wanted = options.max_messages ?? 100;
  let open = true;
  let onTheWay = 0;
  let finished = false;
  const end = (error?: Error): void => {
    if (!open) return;
    open = false;
    stopWatching();
    cancelSilence();
    messages.end(error);
  };
  const maybeEnd = (): void => {
    if (finished && onTheWay === 0) end();
  };
  const cancelSilence = machine.after(expiresMs + SILENT_MS_MAX, () => end(new JetStreamError('heartbeats missed')));
  const cut = (): void => {
    world.clock.after(network.latencyMs(), () => machine.hand(() => end(new JetStreamError('connection closed'))));
  };
  server.onDown.add(cut);
  const stopWatching = (): void => void server.onDown.delete(cut);
  machine.onDeath(() => {
    open = false;
    stopWatching();
  });
  const pull: Pull = {
    left: wanted,
    deliver(message, deliveries) {
      onTheWay += 1;
      carry(wire, message.seq, find, () => {
        onTheWay -= 1;
        if (open) messages.push(messageOf(wire, find, message, deliveries));
        if (pull.left <= 0) finished = true;
        maybeEnd();
      });
    },
  };
  network.send(machine, 'nats', () => {
    if (!server.up || !machine.alive) return;
    const consumer = find();
    if (consumer === undefined) return machine.hand(() => end(new JetStreamError('consumer deleted')));
    consumer.pull(pull);
    world.clock.after(expiresMs, () => {
      consumer.endPull(pull);
      if (network.isCut('nats', machine.node)) return;
      finished = true;
      world.clock.after(network.latencyMs(), () => machine.hand(maybeEnd));
    });
    machine.onDeath(() => consumer.endPull(pull));
  });
  return messages;
}

/** One delivery on its way to a client: late, twice, or behind those that came after it. */
function carry(
  { world, network, machine }: Wire,
  seq: number,
  find: () => SimulatedConsumer | undefined,
  arrive: () => void,
): void {
  const lateMs = world.faults.strikes('delivery-reordered') ? world.between(10, REORDER_MS_MAX) : 0;
  if (world.faults.strikes('delivery-repeated')) {
    world.clock.after(world.between(1, REPEAT_MS_MAX), () => find()?.repeat(seq));
  }
  if (network.isCut('nats', machine.node)) return;
  world.clock.after(network.latencyMs() + lateMs, () => machine.hand(arrive));
}

/** What the product sees of a JsMsg. */
function messageOf(
  { machine, network, server }: Wire,
  find: () => SimulatedConsumer | undefined,
  message: StoredMessage,
  deliveries: number,
): object {
  const tell = (what: (consumer: SimulatedConsumer) => void): void => {
    network.send(machine, 'nats', () => {
      const consumer = find();
      if (server.up && consumer !== undefined) what(consumer);
    });
  };
  return {
    subject: message.subject,
    data: message.data,
    headers: headersOf(message),
    seq: message.seq,
    time: new Date(message.atMs),
    timestampNanos: BigInt(message.atMs) * BigInt(NANOS_PER_MS),
    info: { deliveryCount: deliveries },
    redelivered: deliveries > 1,
    ackAck: async (options?: { timeout?: number }): Promise<boolean> => {
      const call = {
        from: machine,
        to: 'nats',
        what: `ack of ${message.seq}`,
        timeoutMs: options?.timeout ?? ACK_MS_DEFAULT,
        lost: 'ack-lost',
        answerLost: 'ack-unconfirmed',
        crash: 'worker-crash',
      } as const;
      return await network.call(call, () => {
        server.demandUp();
        const consumer = find();
        // nobody listens on the ack's subject
        if (consumer === undefined) throw new TimedOut(call.what);
        consumer.acknowledge(message.seq);
        return true;
      });
    },
    ack: () => tell((consumer) => consumer.acknowledge(message.seq)),
    nak: (delayMs?: number) => tell((consumer) => consumer.retry(message.seq, delayMs ?? 0)),
    working: () => tell((consumer) => consumer.working(message.seq)),
    term: () => tell((consumer) => consumer.acknowledge(message.seq)),
  };
}

export function headersOf({ headers: held, msgId }: StoredMessage): MsgHdrs {
  const all = headers();
  for (const name of held?.keys() ?? []) for (const value of held?.values(name) ?? []) all.append(name, value);
  if (msgId !== undefined) all.set('Nats-Msg-Id', msgId);
  return all;
}
