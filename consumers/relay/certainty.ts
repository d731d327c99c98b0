/** How a message came. */
export interface Delivery {
  /** names an unbroken time as the active relay: the server's pin, and the connection by which it came */
  tenure: string;
  seq: number;
  /** 1 at the first delivery */
  deliveries: number;
}

/**
 * Which messages may go without asking whether an earlier one of their session is still out somewhere.
 *
 * The server hands new messages to the pinned client in the order of the stream. So of all that was delivered for the first
 * time in this tenure, nobody else has any. What was delivered before it may still be with the relay before us, or come again
 * later, until the server's ack floor has passed it all: then everything unsettled is here, and in order. Before that, and for
 * whatever is delivered again, the stream itself is asked (a work queue holds exactly what is not settled).
 */
export class Certainty {
  #tenure: string | undefined;
  #firstNewSeq: number | undefined;
  #alone = false;

  observe({ tenure, seq, deliveries }: Delivery): void {
    if (tenure !== this.#tenure) {
      this.end();
      this.#tenure = tenure;
    }
    if (deliveries === 1) this.#firstNewSeq ??= seq;
  }

  /** The pin or the connection is gone: what is in hand may be delivered to another. */
  end(): void {
    this.#tenure = undefined;
    this.#firstNewSeq = undefined;
    this.#alone = false;
  }

  /** The tenure for which the ack floor would tell something; undefined when it would not. */
  get question(): string | undefined {
    return this.#alone || this.#firstNewSeq === undefined ? undefined : this.#tenure;
  }

  /** What the server answered to a question of this tenure. */
  learn(tenure: string, ackFloorSeq: number): void {
    if (tenure !== this.#tenure || this.#firstNewSeq === undefined) return;
    if (ackFloorSeq >= this.#firstNewSeq - 1) this.#alone = true;
  }

  isSure({ tenure, deliveries }: Delivery): boolean {
    return this.#alone && deliveries === 1 && tenure === this.#tenure;
  }
}
