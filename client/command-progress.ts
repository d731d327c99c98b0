import { Emitter } from './emitter.ts';
import type { Cancel, Environment } from './environment.ts';
import { asMillraceError } from './error.ts';
import { STATUS_ASKS_MAX, STATUS_EVERY_MS, STATUS_EVERY_MS_MAX } from './net/bounds.ts';
import type { Http } from './net/http.ts';
import { pathOf } from './queries.ts';
import type { CommandStatus } from './wire.ts';

/** How far a command has come, asked for while somebody looks, until it is stored for good or nobody may know any more. */
export class CommandProgress {
  readonly #environment: Environment;
  readonly #http: Http;
  readonly #path: string;
  readonly #changed = new Emitter<void>();
  #status: CommandStatus | undefined;
  #asks = 0;
  #over = false;
  #holders = 0;
  #cancel: Cancel = () => {};

  constructor(environment: Environment, http: Http, sessionId: string, commandId: string) {
    this.#environment = environment;
    this.#http = http;
    this.#path = pathOf('command.get', { s: sessionId, c: commandId });
  }

  readonly getSnapshot = (): CommandStatus | undefined => this.#status;

  readonly subscribe = (listener: () => void): (() => void) => this.#changed.on(listener);

  /** Asks now and then until the answer is called. */
  open(): () => void {
    this.#holders += 1;
    if (this.#holders === 1) void this.#ask();
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      this.#holders -= 1;
      if (this.#holders === 0) this.#cancel();
    };
  }

  async #ask(): Promise<void> {
    if (this.#over) return;
    try {
      this.#status = await this.#http.read<CommandStatus>(this.#path);
      this.#over = this.#status.status === 'persisted';
      this.#changed.emit();
    } catch (error) {
      this.#over = !asMillraceError(error).transient;
    }
    this.#asks += 1;
    if (this.#over || this.#holders === 0 || this.#asks >= STATUS_ASKS_MAX) return;
    const waitMs = Math.min(STATUS_EVERY_MS_MAX, STATUS_EVERY_MS * 1.3 ** this.#asks);
    this.#cancel = this.#environment.after(waitMs, () => void this.#ask());
  }
}
