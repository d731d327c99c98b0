import type { InboundSignal } from '../../shared/contract/backend.ts';
import { clientSignal, type SignalFrame } from '../../shared/contract/frames.ts';
import { signalsSubject } from '../../shared/contract/subjects.ts';
import { applyNote } from '../../shared/core/apply-note.ts';
import { rfc3339 } from '../../shared/core/clock.ts';
import { decide } from '../../shared/core/decide.ts';
import type { Note } from '../../shared/core/decision.ts';
import { PRESENCE_TOLD_MEMBERS_MAX, type PresenceStatus } from '../../shared/core/presence.ts';
import { mayWrite } from '../../shared/core/rights.ts';
import type { RunningStream } from '../../shared/core/running-stream.ts';
import { hasLoneSurrogate } from '../../shared/core/text.ts';
import type { Actor, Event } from '../../shared/core/types.ts';
import type { ExecuteInput } from './api.ts';
import type { SocketEvents } from './fan-out.ts';
import type { LiveSocket } from './live-socket.ts';
import { Presence } from './presence.ts';
import type { Room } from './room.ts';
import { StreamFeed } from './stream-feed.ts';
import { Typing } from './typing.ts';

/** signals taken in one call; what is beyond is dropped, as signals may be */
const SIGNALS_PER_CALL_MAX = 2_000;

type User = SignalFrame['user'];

/** What is not kept (contract §4): from sockets, from backends, and from what a commit brings about. */
export class Signals implements SocketEvents {
  readonly #room: Room;
  readonly presence: Presence;
  readonly #feed: StreamFeed;
  readonly #typing = new Typing();
  /** by user: the last status that is still to be told, and the socket that knows it already */
  #presenceChanges = new Map<string, { user: User; status: PresenceStatus; but: LiveSocket | undefined }>();

  constructor(room: Room) {
    this.#room = room;
    const { fanOut, streams } = room;
    this.#feed = new StreamFeed(room.ports, fanOut, () => streams.running());
    this.presence = new Presence(room.asking, {
      sockets: () => fanOut.sockets(),
      socketsOf: (userId) => fanOut.socketsOf(userId).filter((socket) => !socket.quiet),
      tell: (user, status, but) => this.#tellPresence(user, status, but),
    });
  }

  arrived(socket: LiveSocket): void {
    if (socket.quiet) return;
    this.presence.arrived(socket);
    for (const frame of this.#typing.current(this.#room.ports.nowMs())) this.#room.fanOut.signalTo(socket, frame);
  }

  caughtUp(socket: LiveSocket): void {
    if (!socket.quiet) this.#feed.catchUp(socket);
  }

  gone(socket: LiveSocket, atOnce: boolean): void {
    if (socket.quiet) return;
    this.presence.left(socket, atOnce);
    if (this.#room.fanOut.socketsOf(socket.userId).length > 0) return;
    const frame = this.#typing.left(socket.userId, this.#room.ports.nowMs());
    if (frame !== undefined) this.#room.fanOut.signal(frame);
  }

  flushing(): void {
    this.#feed.flush();
    const changes = this.#presenceChanges;
    this.#presenceChanges = new Map();
    const at = rfc3339(this.#room.ports.nowMs());
    for (const { user, status, but } of changes.values()) {
      const frame: SignalFrame = { type: 'signal', name: 'presence', user, data: { status }, at };
      this.#room.fanOut.signal(frame, (socket) => socket !== but);
    }
  }

  /** From a socket. What is no signal that we know, or not for this user to send, is dropped: nothing hangs on it. */
  takeFrom(socket: LiveSocket, name: unknown, data: unknown): void {
    const parsed = clientSignal.safeParse({ name, data });
    if (!parsed.success || socket.quiet) return;
    const { data: signal } = parsed;
    if (signal.name === 'presence') this.presence.says(socket, signal.data.status);
    else this.#takeTyping(socket.caller.actor, signal.data.active, socket);
  }

  /** From backends by way of NATS: anyone of the tenant speaks there, and rights are looked at here. */
  takeInbound(signals: readonly InboundSignal[]): void {
    for (const signal of signals.slice(0, SIGNALS_PER_CALL_MAX)) {
      if (signal.name === 'typing') this.#takeTyping(signal.actor, signal.data.active, undefined);
      else this.#takeChunk(signal.actor, signal.data);
    }
  }

  /** Tells what was noted. */
  noted(note: Note, actor: Actor): void {
    const { fanOut, ports, streams } = this.#room;
    if (note.kind === 'read') {
      const at = rfc3339(ports.nowMs());
      return fanOut.signal({ type: 'signal', name: 'read', user: userOf(actor), data: { seq: note.seq }, at });
    }
    const stream = streams.find(note.kind === 'stream' ? note.stream.id : note.messageId);
    if (stream === undefined || stream === 'ended') return;
    if (note.kind === 'stream') return this.#room.rearm();
    this.#feed.changed(stream);
    this.#appendEarly(stream, actor);
  }

  /** After a commit: the last chunks of a stream that it ended, and to whom it matters that it was told to stop. */
  committed(event: Event, { command, actor }: Pick<ExecuteInput, 'command' | 'actor'>): void {
    for (const stream of this.#room.streams.takeEnded()) this.#feed.ended(stream, event.seq);
    if (command.name === 'stream.cancel') this.#tellCancel(userOf(actor), command.data);
  }

  /** Sockets hear of it at once; over NATS the agent does, and one that does not is told stream_ended when it goes on. */
  #tellCancel(user: User, { messageId, reason }: { messageId: string; reason?: string }): void {
    const { fanOut, ports, identity } = this.#room;
    const data = { messageId, ...(reason === undefined ? {} : { reason }) };
    const frame: SignalFrame = { type: 'signal', name: 'cancel', user, data, at: rfc3339(ports.nowMs()) };
    fanOut.signal(frame);
    const { type: _frames, ...signal } = frame;
    const publish = async (): Promise<void> => {
      try {
        await ports.publisher.signal(signalsSubject(identity.tenant, identity.sessionId), JSON.stringify(signal));
      } catch (error) {
        ports.log('warn', 'a cancel did not reach NATS', { error: String(error) });
      }
    };
    ports.background(publish());
  }

  #takeTyping(actor: Actor, active: boolean, from: LiveSocket | undefined): void {
    const { view, fanOut, ports } = this.#room;
    const member = view.member(actor.id);
    if (member?.active !== true || !mayWrite(member) || view.session()?.status !== 'active') return;
    const frame = this.#typing.take(userOf(actor), active, ports.nowMs());
    if (frame !== undefined) fanOut.signal(frame, (socket) => socket !== from);
  }

  /** A chunk is judged as stream.append judges it; one that comes too early waits for those before it. */
  #takeChunk(actor: Actor, { messageId, index, text }: { messageId: string; index: number; text: string }): void {
    if (text === '' || hasLoneSurrogate(text)) return;
    const stream = this.#room.streams.find(messageId);
    if (stream === undefined || stream === 'ended' || stream.starter.id !== actor.id) return;
    if (stream.place(index, text) === 'next' && this.#append(stream, actor, text)) this.#appendEarly(stream, actor);
  }

  /** Chunks that waited for the one that has just been appended, by whatever door it came. */
  #appendEarly(stream: RunningStream, actor: Actor): void {
    for (let text = stream.takeEarly(); text !== undefined; text = stream.takeEarly()) {
      if (!this.#append(stream, actor, text)) return;
    }
  }

  #append(stream: RunningStream, actor: Actor, text: string): boolean {
    const { view, state, identity, ports } = this.#room;
    const data = { messageId: stream.id, index: stream.nextIndex, text };
    const context = { sessionId: identity.sessionId, actor, nowMs: ports.nowMs(), newId: () => ports.newId() };
    const decision = decide(view, { name: 'stream.append', data }, context);
    if (decision.kind !== 'noted') return false;
    applyNote(state, decision.note);
    this.#feed.changed(stream);
    return true;
  }

  #tellPresence(user: User, status: PresenceStatus, but: LiveSocket | undefined): void {
    const { view, fanOut } = this.#room;
    if (view.activeMembers() > PRESENCE_TOLD_MEMBERS_MAX || fanOut.size > PRESENCE_TOLD_MEMBERS_MAX) return;
    this.#presenceChanges.set(user.id, { user, status, but });
    fanOut.soon();
  }
}

export function userOf({ id, name, kind }: Actor): User {
  return { id, ...(name === undefined ? {} : { name }), kind };
}
