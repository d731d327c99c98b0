/** Everything that may go wrong, by name. Each seed turns some of them on, at rates of its own (swarm testing). */
export const FAULT_KINDS = [
  'session-crash',
  'edge-restart',
  'session-hibernates',
  'disk-slow',
  'clock-skewed',
  'partition-one-way',
  'call-slow',
  'command-lost',
  'command-answer-lost',
  'command-repeated',
  'socket-cut',
  'publish-lost',
  'puback-lost',
  'publish-repeated',
  'nats-restart',
  'nats-forgets-acknowledged',
  'stream-recreated',
  'stream-full',
  'durable-deleted',
  'delivery-repeated',
  'delivery-reordered',
  'ack-lost',
  'ack-unconfirmed',
  'worker-crash',
  'worker-stopped',
  'worker-frozen',
  'store-fails',
  'store-slow',
  'store-fails-after-writing',
  'store-writes-a-part',
  'store-away',
  'letter-lost',
  'letter-unconfirmed',
  'query-lost',
  'receipt-lost',
  'receipt-answer-lost',
  'receipt-repeated',
  'older-session',
  'older-uplink',
  'older-edge',
  'older-consumer',
  'poison-throws',
  'poison-hangs',
  'poison-kills',
  'garbage-published',
] as const;

export type FaultKind = (typeof FAULT_KINDS)[number];

export type FaultCounts = Map<FaultKind, number>;

/** of a hundred seeds so many turn a kind on */
const ENABLED_SHARE = 0.6;
/** how often what is turned on strikes: between these, evenly over the orders of magnitude */
const RATE_MIN = 0.004;
const RATE_MAX = 0.12;

/** places that are passed so seldom that a fault would hardly ever strike there */
const RARE_PLACES: Partial<Record<FaultKind, number>> = {
  'letter-lost': 12,
  'letter-unconfirmed': 12,
  'query-lost': 8,
  'receipt-lost': 3,
  'receipt-answer-lost': 3,
  'receipt-repeated': 4,
};

/** what comes to pass long after the commands: so many may still strike then, and it must heal all the same */
const LATE_MAX: Partial<Record<FaultKind, number>> = { 'letter-lost': 3, 'letter-unconfirmed': 3 };

/** What goes wrong in one seed, how often, and how often it did. */
export class Faults {
  readonly counts: FaultCounts = new Map();
  readonly enabled: ReadonlySet<FaultKind>;
  readonly #rates = new Map<FaultKind, number>();
  readonly #random: () => number;
  /** faults strike only while it is set */
  raging = false;

  constructor(random: () => number, off: readonly FaultKind[] = []) {
    this.#random = random;
    const enabled = new Set<FaultKind>();
    for (const kind of FAULT_KINDS) {
      const chosen = random() < ENABLED_SHARE;
      const rate = RATE_MIN * (RATE_MAX / RATE_MIN) ** random();
      this.#rates.set(kind, Math.min(0.5, rate * (RARE_PLACES[kind] ?? 1)));
      if (chosen && !off.includes(kind)) enabled.add(kind);
    }
    this.enabled = enabled;
  }

  get total(): number {
    let sum = 0;
    for (const count of this.counts.values()) sum += count;
    return sum;
  }

  /** Draws whether a fault strikes at one of the many places where it may, and counts it when it does. */
  strikes(kind: FaultKind): boolean {
    if (!this.enabled.has(kind)) return false;
    if (!this.raging && (this.counts.get(kind) ?? 0) >= (LATE_MAX[kind] ?? 0)) return false;
    if (this.#random() >= (this.#rates.get(kind) ?? 0)) return false;
    this.happened(kind);
    return true;
  }

  happened(kind: FaultKind): void {
    this.counts.set(kind, (this.counts.get(kind) ?? 0) + 1);
  }
}
