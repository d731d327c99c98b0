import type { UserAnswer } from '../../shared/contract/answers.ts';
import { OFFLINE_AFTER_MS, overDevices, type DeviceStatus, type PresenceStatus } from '../../shared/core/presence.ts';
import type { LiveSocket } from './live-socket.ts';
import type { RoomPorts } from './ports.ts';

export interface Present {
  user: UserAnswer;
  status: DeviceStatus;
  sinceMs: number;
  /** when the last socket closed: offline OFFLINE_AFTER_MS later, unless another comes */
  goneAtMs?: number;
}

/** What the room gives: the sockets, and the way to tell a change. */
export interface PresenceHost {
  socketsOf(userId: string): LiveSocket[];
  sockets(): Iterable<LiveSocket>;
  tell(user: UserAnswer, status: PresenceStatus, but: LiveSocket | undefined): void;
}

/**
 * Who is here, over all their devices. What a socket says and since when is in its attachment, so waking restores it; only
 * who has just left is a row, for nothing else would remember to say that they are gone.
 */
export class Presence {
  readonly #ports: RoomPorts;
  readonly #host: PresenceHost;
  readonly #here = new Map<string, Present>();

  constructor(ports: RoomPorts, host: PresenceHost) {
    this.#ports = ports;
    this.#host = host;
  }

  /** After waking, with the sockets that the platform kept. Tells nothing: nothing changed. */
  restore(): void {
    for (const socket of this.#host.sockets()) {
      const known = this.#here.get(socket.userId);
      if (socket.quiet || known !== undefined) continue;
      const devices = this.#host.socketsOf(socket.userId);
      const status = overDevices(devices.map((device) => device.device)) ?? 'online';
      const sinceMs = Math.max(...devices.map((device) => device.presentSinceMs));
      this.#here.set(socket.userId, { user: userOf(socket), status, sinceMs });
    }
    const rows = this.#ports.sql.exec<{ present: string }>(`SELECT present FROM departures`);
    for (const row of rows) {
      const present = JSON.parse(row.present) as Present;
      if (!this.#here.has(present.user.id)) this.#here.set(present.user.id, present);
    }
  }

  arrived(socket: LiveSocket): void {
    const known = this.#here.get(socket.userId);
    const nowMs = this.#ports.nowMs();
    const present = known ?? { user: userOf(socket), status: 'online', sinceMs: nowMs };
    if (present.goneAtMs !== undefined) {
      delete present.goneAtMs;
      this.#forgetDeparture(socket.userId);
    }
    this.#here.set(socket.userId, present);
    socket.presentSinceMs = present.sinceMs;
    socket.save();
    if (known === undefined) this.#host.tell(present.user, 'online', socket);
    else this.#review(present, socket);
  }

  /** A device says how its user is. */
  says(socket: LiveSocket, status: DeviceStatus): void {
    const present = this.#here.get(socket.userId);
    if (present === undefined || socket.device === status) return;
    socket.device = status;
    socket.save();
    this.#review(present, socket);
  }

  /** A socket is gone. `atOnce`: it has been for long, or its user has no business here any more. */
  left(socket: LiveSocket, atOnce: boolean): void {
    const present = this.#here.get(socket.userId);
    if (present === undefined || present.goneAtMs !== undefined) return;
    if (this.#host.socketsOf(socket.userId).length > 0) return this.#review(present, socket);
    if (atOnce) return this.#offline(present);
    const nowMs = this.#ports.nowMs();
    present.goneAtMs = nowMs;
    this.#ports.sql.exec(
      `INSERT OR REPLACE INTO departures (user_id, present) VALUES (?, ?)`,
      socket.userId,
      JSON.stringify(present),
    );
    this.#ports.setAlarm(nowMs + OFFLINE_AFTER_MS);
  }

  /** When somebody who left is to be told as gone. */
  deadlineMs(): number | undefined {
    let earliest: number | undefined;
    for (const { goneAtMs } of this.#here.values()) {
      if (goneAtMs === undefined) continue;
      const at = goneAtMs + OFFLINE_AFTER_MS;
      if (earliest === undefined || at < earliest) earliest = at;
    }
    return earliest;
  }

  expire(): void {
    const nowMs = this.#ports.nowMs();
    for (const present of this.#here.values()) {
      if (present.goneAtMs === undefined || present.goneAtMs + OFFLINE_AFTER_MS > nowMs) continue;
      this.#forgetDeparture(present.user.id);
      this.#offline(present);
    }
  }

  /** In the order of user ids, after `afterUserId`. */
  page(afterUserId: string, limit: number): (Present & { devices: number })[] {
    return [...this.#here.values()]
      .filter(({ user }) => user.id > afterUserId)
      .toSorted((a, b) => (a.user.id < b.user.id ? -1 : 1))
      .slice(0, limit)
      .map((present) => ({ ...present, devices: this.#host.socketsOf(present.user.id).length }));
  }

  #review(present: Present, cause: LiveSocket): void {
    const devices = this.#host.socketsOf(present.user.id);
    const status = overDevices(devices.map((device) => device.device));
    if (status === undefined || status === present.status) return;
    present.status = status;
    present.sinceMs = this.#ports.nowMs();
    for (const device of devices) {
      device.presentSinceMs = present.sinceMs;
      device.save();
    }
    this.#host.tell(present.user, status, cause);
  }

  #offline(present: Present): void {
    this.#here.delete(present.user.id);
    this.#host.tell(present.user, 'offline', undefined);
  }

  #forgetDeparture(userId: string): void {
    this.#ports.sql.exec(`DELETE FROM departures WHERE user_id = ?`, userId);
  }
}

function userOf(socket: LiveSocket): UserAnswer {
  const { id, name, kind } = socket.caller.actor;
  return { id, ...(name === undefined ? {} : { name }), kind };
}
