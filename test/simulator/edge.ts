import { eventsAtRequest, receiptsRequest, type EventsAtAnswer, type ReceiptsAnswer } from '../../shared/contract/internal.ts';
import type { SignedPost } from '../../consumers/runtime/signed-post.ts';
import { readEventsAt } from '../../worker/queries/events-at.ts';
import { eventsAt } from '../../worker/session/events-at.ts';
import { Machine } from './machine.ts';
import { SessionObject, type EdgeParts } from './session-object.ts';
import { SimulatedUplink } from './uplink.ts';
import { storeBehind } from './worker-store.ts';

export const TENANT = 'default';
/** a session that takes longer is the sender's to tell again (worker/routes/receipts.ts) */
const RECEIPT_MS_MAX = 2_000;

/** The edge: its Sessions, and the doors that are simulated. A restart of it drops all that is in memory. */
export class Edge {
  readonly objects = new Map<string, SessionObject>();
  readonly #parts: Omit<EdgeParts, 'isUp'>;
  /** the Worker's way to the store: it has no memory to lose */
  readonly uplink: SimulatedUplink;
  #downUntilMs = 0;
  /** told after each commit, for the checker */
  onCommit: (object: SessionObject) => void = () => {};

  constructor(parts: Omit<EdgeParts, 'isUp'>) {
    this.#parts = parts;
    this.uplink = new SimulatedUplink(new Machine(parts.world, 'edge', 'worker', 0), parts.network, parts.server, {});
  }

  get isUp(): boolean {
    return this.#downUntilMs <= this.#parts.world.nowMs;
  }

  /** Throws while the edge is down. */
  object(sessionId: string): SessionObject {
    if (!this.isUp) throw new Error('connection refused');
    const known = this.objects.get(sessionId);
    if (known !== undefined) return known;
    const made = new SessionObject({ tenant: TENANT, sessionId }, { ...this.#parts, isUp: () => this.isUp });
    made.onCommit = () => this.onCommit(made);
    this.objects.set(sessionId, made);
    return made;
  }

  restart(downMs: number): void {
    const { world } = this.#parts;
    world.note('edge', `is killed, and away for ${downMs} ms`);
    this.#downUntilMs = world.nowMs + downMs;
    for (const object of this.objects.values()) object.crash();
  }

  /** The signed door of the consumers: what it does with receipts is what worker/routes/receipts.ts does. */
  post(machine: Machine): SignedPost {
    return async (path, request, msMax) => {
      if (path === '/internal/events') return await this.#eventsAt(machine, request, msMax);
      if (path !== '/internal/receipts') throw new Error(`${path} is not simulated`);
      const call = {
        from: machine,
        to: 'edge',
        what: 'receipts',
        timeoutMs: msMax,
        lost: 'receipt-lost',
        answerLost: 'receipt-answer-lost',
        repeated: 'receipt-repeated',
        crash: 'worker-crash',
      } as const;
      const body = JSON.stringify(request);
      return await this.#parts.network.call(call, async () => await this.#takeReceipts(body));
    };
  }

  /** An event as it is now, for whoever redrives a letter: what worker/routes/internal-events.ts does. */
  async #eventsAt(machine: Machine, request: unknown, msMax: number): Promise<EventsAtAnswer> {
    const call = { from: machine, to: 'edge', what: 'events as they are', timeoutMs: msMax, crash: 'worker-crash' } as const;
    const { tenant, sessionId, seqs } = eventsAtRequest.parse(request);
    return await this.#parts.network.call(call, async () => {
      const found = await this.object(sessionId).read((room) => eventsAt(room, seqs));
      return { events: await readEventsAt({ tenant, sessionId }, found, storeBehind(this.uplink)) };
    });
  }

  async #takeReceipts(body: string): Promise<ReceiptsAnswer> {
    if (!this.isUp) throw new Error('connection refused');
    const { receipts } = receiptsRequest.parse(JSON.parse(body));
    const failed: ReceiptsAnswer['failed'] = [];
    await Promise.all(
      receipts.map(async (receipt) => {
        const { tenant, sessionId } = receipt;
        const taken = this.object(sessionId).takeReceipt(receipt);
        if (!(await this.#inTime(taken))) failed.push({ tenant, sessionId });
      }),
    );
    return { failed };
  }

  async #inTime(work: Promise<void>): Promise<boolean> {
    return await new Promise((resolve) => {
      const cancel = this.#parts.world.clock.after(RECEIPT_MS_MAX, () => resolve(false));
      work.then(
        () => (cancel(), resolve(true)),
        () => (cancel(), resolve(false)),
      );
    });
  }
}
