// What Millrace's commands are measured against: the same route and the same check of tokens, and an object that inserts the row.
import { DurableObject } from 'cloudflare:workers';
import { Hono } from 'hono';
import { authenticate } from '../../worker/middleware/auth.ts';

/** Under the name of Millrace's own class, so that it is run by the same script with the same bindings. */
export class Session extends DurableObject {
  constructor(state, env) {
    super(state, env);
    state.storage.sql.exec(
      'CREATE TABLE IF NOT EXISTS messages (seq INTEGER PRIMARY KEY, id TEXT, author TEXT, text TEXT, created_at TEXT)',
    );
  }

  async insert(author, text) {
    const id = crypto.randomUUID();
    const createdAt = new Date().toISOString();
    const inserted = this.ctx.storage.sql.exec(
      'INSERT INTO messages (id, author, text, created_at) VALUES (?, ?, ?, ?) RETURNING seq',
      id,
      author,
      text,
      createdAt,
    );
    return { id, seq: inserted.one().seq, createdAt };
  }
}

export class Uplink extends DurableObject {}
export class Inbox extends DurableObject {}

const app = new Hono();
app.get('/healthz', (c) => c.json({}));
app.post('/v1/sessions/:s/messages', async (c) => {
  const caller = await authenticate(c.env, c.req.raw.headers);
  const { text } = await c.req.json();
  const stub = c.env.SESSION.get(c.env.SESSION.idFromName(`${caller.tenant}/${c.req.param('s')}`));
  return c.json(await stub.insert(caller.actor.id, text), 202);
});

export default app;
