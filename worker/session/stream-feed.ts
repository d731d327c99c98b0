import type { SignalFrame } from '../../shared/contract/frames.ts';
import { rfc3339 } from '../../shared/core/clock.ts';
import { STREAM_PACE_MS } from '../../shared/core/limits.ts';
import type { RunningStream } from '../../shared/core/running-stream.ts';
import { utf8Bytes } from '../../shared/core/text.ts';
import type { FanOut } from './fan-out.ts';
import type { LiveSocket } from './live-socket.ts';
import type { RoomPorts } from './ports.ts';

interface Frame {
  text: string;
  bytes: number;
}

/**
 * Shows running streams. Each socket has its own place in each stream, and a frame takes it from there to the newest chunk:
 * a chunk that comes alone goes at once, those that pile up go together, and a socket that lags or is paced gets fewer and
 * longer ones, never a hole. A place that is not known (who joined, or the object slept) begins anew at index 0.
 */
export class StreamFeed {
  readonly #ports: RoomPorts;
  readonly #fanOut: FanOut;
  readonly #running: () => RunningStream[];
  /** by stream: index of the next chunk that a socket is to get */
  readonly #places = new Map<RunningStream, WeakMap<LiveSocket, number>>();
  /** streams with chunks that somebody has not got; of one that ended, the seq of its message */
  #changed = new Map<RunningStream, number | undefined>();
  /** streams of which a paced socket lacks chunks */
  readonly #paced = new Set<RunningStream>();
  #pacing = false;

  constructor(ports: RoomPorts, fanOut: FanOut, running: () => RunningStream[]) {
    this.#ports = ports;
    this.#fanOut = fanOut;
    this.#running = running;
  }

  changed(stream: RunningStream): void {
    this.#changed.set(stream, undefined);
    this.#fanOut.soon();
  }

  /** Its last chunks go out before the message does. */
  ended(stream: RunningStream, seq: number): void {
    this.#changed.set(stream, seq);
    this.#fanOut.soon();
  }

  /** Everything that a socket which is up to date with the events lacks of the running streams. */
  catchUp(socket: LiveSocket): void {
    const frames = new Frames(this.#ports.nowMs());
    for (const stream of this.#running()) this.#send(socket, stream, frames);
  }

  flush(): void {
    if (this.#changed.size === 0) return;
    const nowMs = this.#ports.nowMs();
    const frames = new Frames(nowMs);
    const changed = this.#changed;
    this.#changed = new Map();
    for (const socket of this.#fanOut.sockets()) {
      if (socket.lagging || socket.quiet) continue;
      const open = socket.takesSignalAt(nowMs);
      for (const [stream, endSeq] of changed) {
        // who has the message already needs no chunk of it
        if (endSeq !== undefined && socket.sentSeq >= endSeq) continue;
        if (open || endSeq !== undefined) this.#send(socket, stream, frames);
        else this.#paced.add(stream);
      }
    }
    for (const [stream, endSeq] of changed) if (endSeq !== undefined) this.#places.delete(stream);
    if (this.#paced.size > 0) this.#sendPacedLater();
  }

  #send(socket: LiveSocket, stream: RunningStream, frames: Frames): void {
    let places = this.#places.get(stream);
    if (places === undefined) this.#places.set(stream, (places = new WeakMap()));
    const from = places.get(socket) ?? 0;
    if (from >= stream.nextIndex) return;
    const frame = frames.of(stream, from);
    places.set(socket, stream.nextIndex);
    this.#fanOut.sendSignal(socket, frame.text, frame.bytes);
  }

  #sendPacedLater(): void {
    if (this.#pacing) return;
    this.#pacing = true;
    const again = async (): Promise<void> => {
      await this.#ports.delay(STREAM_PACE_MS);
      this.#pacing = false;
      const running = new Set(this.#running());
      for (const stream of this.#paced) if (running.has(stream)) this.changed(stream);
      this.#paced.clear();
    };
    this.#ports.background(again());
  }
}

/** Frames of one flush: sockets at the same place share one. */
class Frames {
  readonly #at: string;
  readonly #made = new Map<RunningStream, Map<number, Frame>>();

  constructor(nowMs: number) {
    this.#at = rfc3339(nowMs);
  }

  of(stream: RunningStream, from: number): Frame {
    let made = this.#made.get(stream);
    if (made === undefined) this.#made.set(stream, (made = new Map<number, Frame>()));
    let frame = made.get(from);
    if (frame === undefined) {
      const text = JSON.stringify(this.#signal(stream, from));
      frame = { text, bytes: utf8Bytes(text) };
      made.set(from, frame);
    }
    return frame;
  }

  #signal(stream: RunningStream, from: number): SignalFrame {
    const { id, role, name, parentId, starter, nextIndex } = stream;
    const message = { role, ...(name === undefined ? {} : { name }), ...(parentId === undefined ? {} : { parentId }) };
    return {
      type: 'signal',
      name: 'stream',
      user: starter,
      data: {
        messageId: id,
        index: from,
        lastIndex: nextIndex - 1,
        text: stream.textFrom(from),
        // a place to show it is made by who sees it begin
        ...(from === 0 ? message : {}),
      },
      at: this.#at,
    };
  }
}
