import type { Accepted } from '../../shared/contract/answers.ts';
import type { Problem } from '../../shared/contract/problem.ts';
import { httpFormOf, type CommandName } from '../commands.ts';
import type { Cancel, Environment } from '../environment.ts';
import { asMillraceError, MillraceError } from '../error.ts';
import { fullJitterMs } from './backoff.ts';
import {
  ACK_MS_MAX,
  COMMAND_AGE_MS_MAX,
  COMMAND_RETRY_BASE_MS,
  COMMAND_RETRY_MS_MAX,
  INTERNAL_ATTEMPTS_MAX,
  QUEUE_CHARS_MAX,
  QUEUE_COMMANDS_MAX,
  SOCKET_COMMAND_CHARS_MAX,
} from './bounds.ts';
import type { Http } from './http.ts';
import type { OutboxStore, SavedCommand } from './outbox-store.ts';

export interface Outcome extends Accepted {
  /** the key was seen before: it had taken effect already */
  replayed: boolean;
}

/** The commands of one lane are sent one after the other; lanes do not wait for each other. */
export interface QueuedCommand extends SavedCommand {
  lane: string;
  chars: number;
  attempts: number;
  internals: number;
  signal: AbortSignal | undefined;
  settle: (outcome: Outcome | MillraceError) => void;
  /** over a socket: the id of the frame under way */
  frameId?: string;
  /** A request is under way: until it is answered no other try begins, lest one is refused and the other takes effect. */
  asking: boolean;
  /** what the other door answered while the frame was under way: it counts unless the frame took effect */
  refused?: MillraceError;
  cancel: Cancel;
  settled: boolean;
}

export interface OutboxPort {
  /** false when no socket is open */
  send(frame: object): boolean;
}

export interface Submission {
  name: CommandName;
  data: object;
  key: string;
  lane?: string | undefined;
  signal?: AbortSignal | undefined;
  atMs?: number;
}

/** Lanes apart from the main one, for what has an order of its own. */
function laneOf(name: CommandName, data: Record<string, unknown>): string {
  if (name === 'stream.append' || name === 'stream.finish') return `stream ${String(data['messageId'])}`;
  if (name === 'stream.cancel' || name === 'read.advance') return name;
  return 'main';
}

/**
 * The commands of a session on their way: each with a key, by socket or HTTP, again and again with the same key until it is
 * answered or too old. One at a time per lane: an order that a refusal in the middle cannot upset.
 */
export class Outbox {
  readonly #environment: Environment;
  readonly #http: Http;
  readonly #sessionId: string;
  readonly #port: OutboxPort;
  readonly #lanes = new Map<string, QueuedCommand[]>();
  readonly #byFrame = new Map<string, QueuedCommand>();
  #store: OutboxStore | undefined;
  #frames = 0;
  #count = 0;
  #chars = 0;
  #ended: MillraceError | undefined;

  constructor(environment: Environment, http: Http, sessionId: string, port: OutboxPort) {
    this.#environment = environment;
    this.#http = http;
    this.#sessionId = sessionId;
    this.#port = port;
  }

  get size(): number {
    return this.#count;
  }

  /** From here on unsettled commands are kept there too. False once it has ended: the store keeps what it holds. */
  keepIn(store: OutboxStore): boolean {
    if (this.#ended !== undefined) return false;
    this.#store = store;
    this.#save();
    return true;
  }

  /** Settles once. Rejects at once with `queue_full` when too much waits, and then nothing is sent. */
  submit(submission: Submission): Promise<Outcome> {
    if (this.#ended !== undefined) return Promise.reject(this.#ended);
    const data = { ...submission.data } as Record<string, unknown>;
    const chars = JSON.stringify(data).length;
    if (this.#count >= QUEUE_COMMANDS_MAX || this.#chars + chars > QUEUE_CHARS_MAX) {
      return Promise.reject(new MillraceError('queue_full', `At most ${QUEUE_COMMANDS_MAX} commands wait here.`));
    }
    return new Promise((resolve, reject) => {
      const { name, key, signal } = submission;
      const command: QueuedCommand = {
        name,
        data,
        key,
        atMs: submission.atMs ?? this.#environment.now(),
        lane: submission.lane ?? laneOf(name, data),
        chars,
        attempts: 0,
        internals: 0,
        signal,
        settle: (outcome) => (outcome instanceof MillraceError ? reject(outcome) : resolve(outcome)),
        cancel: () => {},
        asking: false,
        settled: false,
      };
      this.#enqueue(command);
    });
  }

  /** An `ack` or `reject` frame. One that answers an earlier try of a command answers the command. */
  answered(frame: Record<string, unknown>): void {
    const command = this.#byFrame.get(String(frame['id']));
    if (command === undefined) return;
    if (frame['type'] === 'ack') {
      this.#settle(command, { ...(frame['result'] as Accepted), replayed: frame['replayed'] === true });
    } else {
      this.#forgetFrame(command);
      // the request that was made meanwhile may take effect all the same: its answer decides
      if (!command.asking) this.#failed(command, command.refused ?? MillraceError.of(frame['error'] as Problem));
    }
  }

  /** The socket opened: what waits for a retry need not wait on. */
  opened(): void {
    for (const lane of this.#lanes.values()) {
      const [first] = lane;
      if (first !== undefined && first.frameId === undefined && first.attempts > 0 && !first.asking) this.#attempt(first);
    }
  }

  /** The socket is gone: what was sent over it is sent again, as nobody knows what became of it. */
  closed(): void {
    const lost = [...this.#byFrame.values()];
    this.#byFrame.clear();
    for (const command of lost) {
      delete command.frameId;
      // a refusal by HTTP is asked for anew: the frame may have taken effect since
      delete command.refused;
      if (!command.asking) this.#retry(command, 0);
    }
  }

  /** Ends everything: what was sent may have taken effect. A store keeps what it holds. */
  end(error: MillraceError): void {
    this.#store = undefined;
    this.#ended = error;
    // settling takes the first off its lane
    for (const lane of this.#lanes.values()) while (lane[0] !== undefined) this.#settle(lane[0], error);
  }

  #enqueue(command: QueuedCommand): void {
    const lane = this.#lanes.get(command.lane) ?? [];
    this.#lanes.set(command.lane, lane);
    lane.push(command);
    this.#count += 1;
    this.#chars += command.chars;
    this.#save();
    command.signal?.addEventListener('abort', () => this.#settle(command, new MillraceError('aborted', 'Given up.')), {
      once: true,
    });
    if (command.signal?.aborted === true) this.#settle(command, new MillraceError('aborted', 'Given up.'));
    else if (lane[0] === command) this.#attempt(command);
  }

  #attempt(command: QueuedCommand): void {
    if (command.settled || this.#ended !== undefined) return;
    command.cancel();
    if (this.#environment.now() - command.atMs > COMMAND_AGE_MS_MAX) {
      return this.#settle(command, new MillraceError('expired', 'Not settled in time.'));
    }
    command.attempts += 1;
    if (!this.#bySocket(command)) void this.#byHttp(command);
  }

  #bySocket(command: QueuedCommand): boolean {
    if (command.name === 'session.create' || command.chars > SOCKET_COMMAND_CHARS_MAX) return false;
    const id = String((this.#frames += 1));
    const { name, data, key } = command;
    if (!this.#port.send({ type: 'command', id, command: name, data, idempotencyKey: key })) return false;
    command.frameId = id;
    this.#byFrame.set(id, command);
    command.cancel = this.#environment.after(ACK_MS_MAX, () => void this.#byHttp(command));
    return true;
  }

  async #byHttp(command: QueuedCommand): Promise<void> {
    command.asking = true;
    const { method, path, body } = httpFormOf(command.name, this.#sessionId, command.data);
    const headers = { 'Idempotency-Key': command.key };
    try {
      const answer = await this.#http.once<Accepted>({ method, path, body, headers });
      command.asking = false;
      this.#settle(command, { ...answer.body, replayed: answer.replayed });
    } catch (error) {
      command.asking = false;
      const known = asMillraceError(error);
      if (command.frameId !== undefined && !known.transient) this.#awaitFrame(command, known);
      else this.#failed(command, known);
    }
  }

  /** Refused by HTTP with the frame of an earlier try still unanswered: that one may yet take effect. */
  #awaitFrame(command: QueuedCommand, refused: MillraceError): void {
    if (command.settled) return;
    command.refused = refused;
    command.cancel = this.#environment.after(ACK_MS_MAX, () => this.#failed(command, refused));
  }

  #failed(command: QueuedCommand, error: MillraceError): void {
    if (command.settled) return;
    this.#forgetFrame(command);
    if (error.code === 'internal') command.internals += 1;
    if (!error.transient || command.internals >= INTERNAL_ATTEMPTS_MAX) return this.#settle(command, error);
    const { random } = this.#environment;
    const jitter = fullJitterMs(command.attempts, COMMAND_RETRY_BASE_MS, COMMAND_RETRY_MS_MAX, random);
    this.#retry(command, Math.max(error.retryAfterMs ?? 0, jitter));
  }

  #forgetFrame(command: QueuedCommand): void {
    if (command.frameId !== undefined) this.#byFrame.delete(command.frameId);
    delete command.frameId;
  }

  #retry(command: QueuedCommand, inMs: number): void {
    command.cancel();
    command.cancel = this.#environment.after(inMs, () => this.#attempt(command));
  }

  #settle(command: QueuedCommand, outcome: Outcome | MillraceError): void {
    if (command.settled) return;
    command.settled = true;
    command.cancel();
    this.#forgetFrame(command);
    const lane = this.#lanes.get(command.lane) ?? [];
    const wasFirst = lane[0] === command;
    lane.splice(lane.indexOf(command), 1);
    if (lane.length === 0) this.#lanes.delete(command.lane);
    this.#count -= 1;
    this.#chars -= command.chars;
    this.#save();
    command.settle(outcome);
    const next = lane[0];
    if (wasFirst && next !== undefined && next.attempts === 0) this.#attempt(next);
  }

  #save(): void {
    if (this.#store === undefined) return;
    const all = [...this.#lanes.values()].flat().toSorted((a, b) => a.atMs - b.atMs);
    this.#store.save(all.map(({ name, data, key, atMs }) => ({ name, data, key, atMs })));
  }
}
