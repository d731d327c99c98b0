import { Certainty, type Delivery } from '../../../../consumers/relay/certainty.ts';
import { Lanes, type Queued } from '../../../../consumers/relay/lanes.ts';

/** Two relays of the real scheduler, a server that hands out and takes back, and an edge that knows keys. All in memory, step by step. */

export type Step =
  | { do: 'publish'; session: number }
  /** lost: it left the server, but the connection broke */
  | { do: 'deliver'; lost: boolean }
  | { do: 'expire'; which: number }
  | { do: 'pin'; relay: number }
  | { do: 'crash'; relay: number }
  | { do: 'learn'; relay: number }
  | { do: 'begin'; relay: number }
  /** a call reaches the edge or not, and its answer the relay or not */
  | { do: 'land'; which: number; executed: boolean; answered: boolean }
  | { do: 'settle'; which: number; confirmed: boolean };

interface Held extends Queued {
  delivery: Delivery;
}

interface RelayState {
  lanes: Lanes<Held>;
  certainty: Certainty;
  connection: number;
}

interface Flying {
  relay: RelayState;
  held: Held;
  phase: 'call' | 'settling';
}

const newRelay = (): RelayState => ({ lanes: new Lanes<Held>(), certainty: new Certainty(), connection: 0 });

export class SimulatedRelays {
  /** subject by seq - 1; a work queue forgets what is acknowledged */
  readonly #stream: string[] = [];
  readonly #settled = new Set<number>();
  readonly #pending = new Set<number>();
  readonly #deliveries = new Map<number, number>();
  readonly #redeliver: number[] = [];
  readonly #relays = [newRelay(), newRelay()];
  readonly #effects: number[] = [];
  readonly #keys = new Set<number>();
  readonly #trusting: boolean;
  #flying: Flying[] = [];
  #nextSeq = 1;
  #pinned = 0;
  #pins = 0;

  /** trusting: takes all that comes for what is next, to show that this would not do */
  constructor({ trusting = false } = {}) {
    this.#trusting = trusting;
  }

  step(step: Step): void {
    if (step.do === 'publish') this.#stream.push(`s${step.session}`);
    else if (step.do === 'deliver') this.#deliver(step.lost);
    else if (step.do === 'expire') this.#expire(pick([...this.#pending], step.which));
    else if (step.do === 'pin') this.#pin(step.relay);
    else if (step.do === 'crash') this.#crash(step.relay);
    else if (step.do === 'learn') this.#learn(this.#relay(step.relay));
    else if (step.do === 'begin') this.#begin(this.#relay(step.relay));
    else if (step.do === 'land') this.#land(pick(this.#in('call'), step.which), step);
    else this.#settle(pick(this.#in('settling'), step.which), step.confirmed);
  }

  /** From here on nothing goes wrong but what already has: everything must come to its end. */
  bringToAnEnd(): void {
    for (let round = 0; this.#settled.size < this.#stream.length; round += 1) {
      if (round > 10 * this.#stream.length + 50) throw new Error('it does not come to an end');
      for (const flight of this.#in('call')) this.#land(flight, { executed: true, answered: true });
      for (const flight of this.#in('settling')) this.#settle(flight, true);
      for (const seq of [...this.#pending]) this.#expire(seq);
      this.#deliver(false);
      this.#learn(this.#relay(this.#pinned));
      for (const relay of this.#relays) this.#begin(relay);
    }
  }

  published(): number[][] {
    return this.#bySession(this.#stream.map((_subject, index) => index + 1));
  }

  effects(): number[][] {
    return this.#bySession(this.#effects);
  }

  #bySession(seqs: readonly number[]): number[][] {
    return ['s0', 's1', 's2'].map((subject) => seqs.filter((seq) => this.#stream[seq - 1] === subject));
  }

  #relay(which: number): RelayState {
    return this.#relays[which] as RelayState;
  }

  #in(phase: Flying['phase']): Flying[] {
    return this.#flying.filter((flight) => flight.phase === phase);
  }

  #deliver(lost: boolean): void {
    const seq = this.#redeliver.shift() ?? (this.#nextSeq <= this.#stream.length ? this.#nextSeq++ : undefined);
    if (seq === undefined || this.#settled.has(seq)) return;
    const deliveries = (this.#deliveries.get(seq) ?? 0) + 1;
    this.#deliveries.set(seq, deliveries);
    this.#pending.add(seq);
    const relay = this.#relay(this.#pinned);
    if (lost) {
      relay.connection += 1;
      relay.certainty.end();
      return;
    }
    const delivery = { tenure: `${relay.connection}.${this.#pins}`, seq, deliveries };
    relay.certainty.observe(delivery);
    const known = relay.lanes.add({ subject: this.#stream[seq - 1] as string, seq, bytes: 1, delivery });
    if (known !== undefined) known.delivery = delivery;
  }

  #expire(seq: number | undefined): void {
    if (seq !== undefined && !this.#settled.has(seq) && !this.#redeliver.includes(seq)) this.#redeliver.push(seq);
  }

  #pin(which: number): void {
    this.#pinned = which;
    this.#pins += 1;
  }

  /** What it had sent is still under way, but nobody waits for the answers. */
  #crash(which: number): void {
    this.#relays[which] = newRelay();
    this.#pin(1 - which);
  }

  #learn({ certainty }: RelayState): void {
    const { question } = certainty;
    if (question === undefined) return;
    let floor = 0;
    while (this.#settled.has(floor + 1)) floor += 1;
    certainty.learn(question, floor);
  }

  #begin(relay: RelayState): void {
    for (const held of relay.lanes.take(0, 1, 1)) {
      if (!this.#trusting && !relay.certainty.isSure(held.delivery)) {
        const first = this.#stream.findIndex((subject, index) => subject === held.subject && !this.#settled.has(index + 1)) + 1;
        if (first === 0 || first > held.seq) {
          relay.lanes.done(held);
          continue;
        }
        if (first < held.seq) {
          relay.lanes.later(held, 0);
          continue;
        }
      }
      this.#flying.push({ relay, held, phase: 'call' });
    }
  }

  #land(flight: Flying | undefined, { executed, answered }: { executed: boolean; answered: boolean }): void {
    if (flight === undefined) return;
    const { relay, held } = flight;
    if (executed && !this.#keys.has(held.seq)) {
      this.#keys.add(held.seq);
      this.#effects.push(held.seq);
    }
    if (executed && answered) {
      flight.phase = 'settling';
      return;
    }
    this.#flying = this.#flying.filter((each) => each !== flight);
    relay.lanes.later(held, 0);
  }

  #settle(flight: Flying | undefined, confirmed: boolean): void {
    if (flight === undefined) return;
    this.#flying = this.#flying.filter((each) => each !== flight);
    if (confirmed) {
      this.#settled.add(flight.held.seq);
      this.#pending.delete(flight.held.seq);
    }
    flight.relay.lanes.done(flight.held);
  }
}

function pick<T>(items: readonly T[], which: number): T | undefined {
  return items.length === 0 ? undefined : items[which % items.length];
}
