import { afterAll, beforeAll, describe } from 'vitest';
import { doorSuite } from '../cases.ts';
import { Backend } from '../nats.ts';
import { Crowds, type World } from '../scene.ts';
import { openTarget, type Target } from '../target.ts';
import { backendSuite } from './backends.ts';
import { catchUpSuite } from './catch-up.ts';
import { DATA_CASES } from './data-cases.ts';
import { documentSuite } from './documents.ts';
import { historySuite } from './history.ts';
import { httpSuite } from './http-door.ts';
import { limitSuite } from './limits.ts';
import { listSuite } from './lists.ts';
import { MEMBER_CASES } from './member-cases.ts';
import { MESSAGE_CASES } from './message-cases.ts';
import { operatorSuite } from './operators.ts';
import { patienceSuite } from './patience.ts';
import { querySuite } from './queries.ts';
import { REACTION_CASES, READ_CASES } from './reaction-cases.ts';
import { retrySuite } from './retries.ts';
import { searchSuite } from './search.ts';
import { SESSION_CASES } from './session-cases.ts';
import { signalSuite } from './signals.ts';
import { socketSuite } from './sockets.ts';
import { deepSuite, outageSuite, type Kept } from './store.ts';
import { systemSuite } from './system.ts';
import { STREAM_CASES } from './stream-cases.ts';
import { TRACE_CASES } from './trace-cases.ts';

const TABLES = {
  session: SESSION_CASES,
  member: MEMBER_CASES,
  message: MESSAGE_CASES,
  reaction: REACTION_CASES,
  'read pointer': READ_CASES,
  stream: STREAM_CASES,
  trace: TRACE_CASES,
  'data of commands': DATA_CASES,
};

/** The whole of the contract against one system. `start` opens it; it is stopped at the end. */
export function conformance(store: string, start: () => Promise<Target> = openTarget): void {
  const kept: Kept = {};
  const opened: Partial<World> = {};
  const world: World = {
    crowds: new Crowds(),
    get target() {
      if (opened.target === undefined) throw new Error('the system has not been opened');
      return opened.target;
    },
    get backend() {
      return opened.backend;
    },
  };

  describe(`the contract, on the ${store} store`, () => {
    beforeAll(async () => {
      opened.target = await start();
      const { natsUrl } = opened.target;
      if (natsUrl !== undefined) opened.backend = await Backend.at(natsUrl);
    });
    afterAll(async () => {
      await opened.backend?.close();
      await opened.target?.stop();
    });

    // side by side: each test has a session and people of its own
    describe.concurrent('while all of it runs', () => {
      deepSuite(world, kept);
      // waits, and waits beside the others
      patienceSuite(world);
      for (const [name, rows] of Object.entries(TABLES)) describe(name, () => doorSuite(world, rows));
      retrySuite(world);
      httpSuite(world);
      querySuite(world);
      catchUpSuite(world);
      socketSuite(world);
      signalSuite(world);
      listSuite(world);
      searchSuite(world);
      backendSuite(world);
      historySuite(world);
      operatorSuite(world);
      systemSuite(world);
      documentSuite(world);
      limitSuite(world);
    });
    outageSuite(world, kept);
  });
}
