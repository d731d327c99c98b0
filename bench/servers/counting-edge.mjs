// The built edge with a counter around it: what the platform would bill. Stands in its place as `index.js`; plain JavaScript, as workerd takes it.
import * as edge from './edge.js';

/** what was counted, by a name such as `Session.rows.events` */
const counts = new Map();
const add = (name, n = 1) => counts.set(name, (counts.get(name) ?? 0) + n);

// Time can be put forward, so that an idle hour passes in a moment: alarms are rung by hand then.
const realNow = Date.now.bind(Date);
let skewMs = 0;
Date.now = () => realNow() + skewMs;

const WRITES = /^\s*(?:insert|update|delete|replace|create|alter|drop)\b/i;
const TABLE = /\b(?:into|update|from|table|index)\s+(\w+)/i;
/** whose storage an SqlStorage or a DurableObjectStorage is */
const ownerOf = new WeakMap();
const alarmOf = new WeakMap();
let patched = false;

/** The platform's own methods, once for all objects: they are found by the storage that they are called on. */
function patch(state) {
  if (patched) return;
  patched = true;
  const sql = Object.getPrototypeOf(state.storage.sql);
  const { exec } = sql;
  sql.exec = function (query, ...bindings) {
    const cursor = exec.call(this, query, ...bindings);
    if (WRITES.test(query)) add(`${ownerOf.get(this)}.rows.${TABLE.exec(query)?.[1] ?? 'other'}`, cursor.rowsWritten);
    return cursor;
  };
  const storage = Object.getPrototypeOf(state.storage);
  const { setAlarm, getAlarm } = storage;
  storage.setAlarm = function (at) {
    // an alarm that is set is billed as a row (Durable Objects, pricing)
    add(`${ownerOf.get(this)}.rows.alarm`);
    alarmOf.set(this, Number(at));
    return setAlarm.call(this, Number(at) - skewMs);
  };
  storage.getAlarm = async function () {
    const at = await getAlarm.call(this);
    return at === null ? null : at + skewMs;
  };
  const objects = Object.getPrototypeOf(state);
  // every client of an hour that passes in a moment has sent its heartbeat
  objects.getWebSocketAutoResponseTimestamp = () => new Date(Date.now());
}

/** an object that had nothing to do for so long is put to sleep (Durable Objects, lifecycle) */
const ASLEEP_AFTER_MS = 10_000;
/** how often time was put forward and back: whatever was awake before it is asleep */
let passes = 0;

/** Time during which an object has something to do, which is billed: calls, and what they left to be done. */
class Activity {
  #kind;
  #running = 0;
  #sinceMs = 0;
  #last = { atMs: Date.now(), passes };
  constructor(kind) {
    this.#kind = kind;
  }
  begin() {
    if (this.#running === 0) {
      this.#sinceMs = realNow();
      const slept = this.#last.passes !== passes || Date.now() - this.#last.atMs > ASLEEP_AFTER_MS;
      if (slept) add(`${this.#kind}.wakes`);
    }
    this.#running += 1;
  }
  end() {
    this.#running -= 1;
    this.#last = { atMs: Date.now(), passes };
    if (this.#running === 0) add(`${this.#kind}.activeMs`, realNow() - this.#sinceMs);
  }
  /** @param {() => unknown} work */
  async during(work) {
    this.begin();
    try {
      return await work();
    } finally {
      this.end();
    }
  }
}

function counted(kind, Class) {
  class Counted extends Class {
    constructor(state, env) {
      add(`${kind}.wakes`);
      patch(state);
      ownerOf.set(state.storage, kind);
      ownerOf.set(state.storage.sql, kind);
      const activity = new Activity(kind);
      const { waitUntil } = state;
      state.waitUntil = (work) => {
        // what fails is the platform's to tell, who gets it as it came
        void activity.during(() => work).catch(() => undefined);
        waitUntil.call(state, work);
      };
      super(state, env);
      this.activity = activity;
    }
    benchAlarmAt() {
      return alarmOf.get(this.ctx.storage);
    }
    async benchRing() {
      alarmOf.delete(this.ctx.storage);
      await this.ctx.storage.deleteAlarm();
      await this.alarm();
    }
  }
  for (const name of Object.getOwnPropertyNames(Class.prototype)) {
    if (name === 'constructor') continue;
    const method = Class.prototype[name];
    Counted.prototype[name] = function (...given) {
      add(`${kind}.calls.${name}`);
      if (name === 'alarm' && (alarmOf.get(this.ctx.storage) ?? Infinity) <= Date.now()) alarmOf.delete(this.ctx.storage);
      return this.activity.during(() => method.apply(this, given));
    };
  }
  return Counted;
}

export const Session = counted('Session', edge.Session);
export const Uplink = counted('Uplink', edge.Uplink);
export const Inbox = counted('Inbox', edge.Inbox);

/**
 * Lets `ms` pass for one session: its alarms ring in order, each at its time. Then it is now again, for the consumers' clocks,
 * which sign their calls, did not go on.
 */
async function pass(env, session, ms) {
  const stub = env.SESSION.get(env.SESSION.idFromName(`default/${session}`));
  const end = Date.now() + ms;
  try {
    for (;;) {
      const at = await stub.benchAlarmAt();
      if (at === undefined || at > end) break;
      if (at > Date.now()) skewMs = at - realNow();
      await stub.benchRing();
    }
  } finally {
    skewMs = 0;
    passes += 1;
  }
}

export default {
  async fetch(request, env, context) {
    const { pathname, searchParams } = new URL(request.url);
    if (pathname === '/bench/counts') return Response.json(Object.fromEntries(counts));
    if (pathname === '/bench/pass') {
      await pass(env, searchParams.get('session'), Number(searchParams.get('ms')));
      return Response.json({});
    }
    add(`Worker.requests.${pathname.startsWith('/internal/') ? pathname.slice('/internal/'.length) : 'public'}`);
    return edge.default.fetch(request, env, context);
  },
};
