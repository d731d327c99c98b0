"""Mirrors every message of a tenant into a SQLite file: a read model with nothing but a NATS client.

Events come at least once and in any order, so each row remembers the clock of what wrote it last, and an older event
changes nothing. A message is acknowledged only after the commit: what is lost in between comes again.
"""

import asyncio
import json
import os
import signal
import sqlite3
import sys

import nats
from nats.errors import TimeoutError as NothingNew

NATS_URL = os.environ.get("MILLRACE_NATS_URL", "nats://127.0.0.1:4222")
TENANT = os.environ.get("MILLRACE_TENANT", "default")
BATCH_EVENTS_MAX = 200
FETCH_S_MAX = 1

# a cell changes only when the event's clock is newer: repeated and late events do no harm
WRITE = """
INSERT INTO messages (session, id, author, text, deleted, clock)
SELECT :session, :id, :author, :text, :deleted, :clock WHERE :session NOT IN (SELECT session FROM gone)
ON CONFLICT (session, id) DO UPDATE SET text = :text, deleted = :deleted, clock = :clock WHERE :clock > clock
"""


def open_store(path: str) -> sqlite3.Connection:
    store = sqlite3.connect(path)
    store.execute(
        "CREATE TABLE IF NOT EXISTS messages (session TEXT, id TEXT, author TEXT, text TEXT, deleted INTEGER, clock INTEGER,"
        " PRIMARY KEY (session, id))"
    )
    store.execute("CREATE TABLE IF NOT EXISTS gone (session TEXT PRIMARY KEY)")
    return store


def write(store: sqlite3.Connection, event: dict) -> None:
    kind, data = event["type"], event["data"]
    if kind == "session.deleted":
        # kept for good: a message of the session may still come late
        store.execute("INSERT OR IGNORE INTO gone VALUES (?)", (event["sessionid"],))
        store.execute("DELETE FROM messages WHERE session = ?", (event["sessionid"],))
        return
    if kind not in ("message.created", "message.updated", "message.deleted") or data.get("erased"):
        return
    store.execute(
        WRITE,
        {
            "session": event["sessionid"],
            "id": data["id"],
            "author": data.get("author", event["actor"]),
            "text": data.get("text", ""),
            "deleted": kind == "message.deleted",
            "clock": int(event["clock"]),
        },
    )


async def main() -> None:
    store = open_store(sys.argv[1] if len(sys.argv) > 1 else "messages.db")
    stop = asyncio.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    connection = await nats.connect(NATS_URL, max_reconnect_attempts=-1)
    consumer = await connection.jetstream().pull_subscribe(
        f"millrace.events.{TENANT}.>", durable="python-mirror", stream="MILLRACE_EVENTS"
    )
    print("mirroring", flush=True)
    while not stop.is_set():
        try:
            batch = await consumer.fetch(BATCH_EVENTS_MAX, timeout=FETCH_S_MAX)
        except NothingNew:
            continue
        with store:
            for message in batch:
                write(store, json.loads(message.data))
        for message in batch:
            await message.ack()
        print(f"{len(batch)} events, {store.execute('SELECT count(*) FROM messages').fetchone()[0]} messages", flush=True)
    await connection.drain()


asyncio.run(main())
