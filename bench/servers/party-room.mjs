// The rooms that Millrace is measured against. Plain JavaScript: partyserver is fetched for the bench and is no dependency.
import { routePartykitRequest, Server } from 'partyserver';

/** Broadcasts, keeps nothing. Hibernates, as Millrace's sessions do. */
export class Room extends Server {
  static options = { hibernate: true };

  onMessage(connection, raw) {
    const { id, text } = JSON.parse(raw);
    const message = {
      type: 'message',
      id: crypto.randomUUID(),
      author: connection.id,
      text,
      createdAt: new Date().toISOString(),
    };
    this.store(message);
    // before the room gets it: the kindest order for its acceptance
    connection.send(JSON.stringify({ type: 'ack', id }));
    this.broadcast(JSON.stringify(message));
  }

  store() {}
}

/** The same, and each message is a row before it is acknowledged: the output gate holds the frames until it is on disk. */
export class LoggedRoom extends Room {
  onStart() {
    this.ctx.storage.sql.exec(
      'CREATE TABLE IF NOT EXISTS messages (seq INTEGER PRIMARY KEY, id TEXT, author TEXT, text TEXT, created_at TEXT)',
    );
  }

  store(message) {
    const { id, author, text, createdAt } = message;
    this.ctx.storage.sql.exec(
      'INSERT INTO messages (id, author, text, created_at) VALUES (?, ?, ?, ?)',
      id,
      author,
      text,
      createdAt,
    );
  }
}

/** The same room as Room without hibernation: partyserver's default. */
export class AwakeRoom extends Room {
  static options = { hibernate: false };
}

export default {
  async fetch(request, env) {
    return (await routePartykitRequest(request, env)) ?? new Response('not found', { status: 404 });
  },
};
