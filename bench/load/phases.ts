import { machineCpuMs, treesCpuMs } from '../cpu.ts';
import { spread, type Spread } from '../stats.ts';
import type { Job, Throughput } from './job.ts';
import type { Room } from './room.ts';

/** one message may take this long to be accepted, and to reach every socket */
const MESSAGE_MS_MAX = 10_000;
/** after the last send of a phase, the rest may take this long to arrive */
const DRAIN_MS_MAX = 30_000;
/** the first messages of a room pay for compilation and caches: they are sent and not counted */
const ACCEPT_WARMUP_SAMPLES = 30;
/** a percentile of fewer says nothing, however late it is */
const ACCEPT_SAMPLES_MIN = 30;

/** Sends one message at a time and waits until it is both accepted and delivered: milliseconds from send to acceptance. */
export async function measureAccept(room: Room, job: Job, door: 'socket' | 'http'): Promise<Spread> {
  const latencies: number[] = [];
  const deadline = performance.now() + job.acceptMsMax;
  for (let index = -ACCEPT_WARMUP_SAMPLES; index < job.acceptSamples; index += 1) {
    const delivered = untilComplete(room, MESSAGE_MS_MAX, room.sent + 1);
    const latency = await room.until(door === 'socket' ? acceptBySocket(room) : acceptByHttp(room), MESSAGE_MS_MAX, 'acceptance');
    await delivered;
    if (index >= 0) latencies.push(latency);
    if (latencies.length >= ACCEPT_SAMPLES_MIN && performance.now() >= deadline) break;
  }
  return spread(latencies);
}

async function acceptBySocket(room: Room): Promise<number> {
  const { promise, resolve } = Promise.withResolvers<number>();
  room.onAck = (number) => resolve(performance.now() - (room.sentAt[number] as number));
  room.send();
  return promise;
}

async function acceptByHttp(room: Room): Promise<number> {
  const number = room.sent;
  await room.sendByHttp();
  return performance.now() - (room.sentAt[number] as number);
}

/** Resolves when every socket got `messages` messages. Polls nothing: it is told of each frame. */
function untilComplete(room: Room, limitMs: number, messages: number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const before = room.onFrame;
  const wanted = messages * room.sockets.length;
  const check = (): void => {
    before?.();
    if (room.deliveries < wanted) return;
    room.onFrame = before;
    resolve();
  };
  room.onFrame = check;
  check();
  return room.until(promise, limitMs, 'delivery to every socket');
}

/** Keeps `inFlight` messages under way and counts the deliveries of `throughputMs`, after `warmupMs`. */
export async function measureThroughput(room: Room, job: Job): Promise<Throughput> {
  const { promise: ended, resolve } = Promise.withResolvers<void>();
  const startsAt = performance.now() + job.warmupMs;
  const endsAt = startsAt + job.throughputMs;
  let start: Snapshot | undefined;
  let end: Snapshot | undefined;
  room.onFrame = () => {
    const now = performance.now();
    if (start === undefined && now >= startsAt) start = snapshot(room, job);
    if (end === undefined && now >= endsAt) {
      end = snapshot(room, job);
      resolve();
    }
    if (end === undefined) pump(room, job.inFlight);
  };
  pump(room, job.inFlight);
  await room.until(ended, job.warmupMs + job.throughputMs + MESSAGE_MS_MAX, 'the end of the throughput phase');
  room.onFrame = undefined;
  await untilComplete(room, DRAIN_MS_MAX, room.sent);
  if (start === undefined || end === undefined) throw new Error('the throughput phase ended before it began');
  return compare(start, end, room.sockets.length);
}

function pump(room: Room, inFlight: number): void {
  while (room.sent - Math.floor(room.deliveries / room.sockets.length) < inFlight) room.send();
}

interface Snapshot {
  at: number;
  deliveries: number;
  bytes: number;
  frames: number;
  edgeCpuMs: number;
  allCpuMs: number;
  clientCpuMs: number;
  machineCpuMs: number;
}

function snapshot(room: Room, job: Job): Snapshot {
  const client = process.cpuUsage();
  const [edgeCpuMs, allCpuMs] = treesCpuMs([job.pids.edge, job.pids.all]);
  return {
    at: performance.now(),
    deliveries: room.deliveries,
    bytes: room.bytesReceived,
    frames: room.framesReceived,
    edgeCpuMs,
    allCpuMs,
    clientCpuMs: (client.user + client.system) / 1_000,
    machineCpuMs: machineCpuMs(),
  };
}

function compare(start: Snapshot, end: Snapshot, sockets: number): Throughput {
  const ms = end.at - start.at;
  const deliveries = end.deliveries - start.deliveries;
  const edgeCpuMs = end.edgeCpuMs - start.edgeCpuMs;
  const allCpuMs = end.allCpuMs - start.allCpuMs;
  const clientCpuMs = end.clientCpuMs - start.clientCpuMs;
  const otherCpuMs = end.machineCpuMs - start.machineCpuMs - allCpuMs - clientCpuMs;
  return {
    deliveriesPerS: (deliveries * 1_000) / ms,
    messagesPerS: (deliveries * 1_000) / ms / sockets,
    bytesPerDelivery: (end.bytes - start.bytes) / deliveries,
    messagesPerFrame: deliveries / (end.frames - start.frames),
    edgeCpuUsPerDelivery: (edgeCpuMs * 1_000) / deliveries,
    allCpuUsPerDelivery: (allCpuMs * 1_000) / deliveries,
    edgeCores: edgeCpuMs / ms,
    allCores: allCpuMs / ms,
    clientCores: clientCpuMs / ms,
    otherCores: Math.max(0, otherCpuMs) / ms,
  };
}

/** Sends `perS` messages a second on a fixed schedule: milliseconds from each send to each socket's receipt. */
export async function measureFanout(room: Room, { perS, ms }: Job['fanouts'][number]): Promise<Spread> {
  const messages = Math.ceil((perS * ms) / 1_000);
  const latencies = new Float64Array(messages * room.sockets.length);
  let received = 0;
  room.onDelivery = (number) => {
    latencies[received] = performance.now() - (room.sentAt[number] as number);
    received += 1;
  };
  const total = room.sent + messages;
  const startedAt = performance.now();
  const { promise: sent, resolve } = Promise.withResolvers<void>();
  let index = 0;
  const sendDue = (): void => {
    while (index < messages && performance.now() >= startedAt + (index * 1_000) / perS) {
      room.send();
      index += 1;
    }
    if (index === messages) return resolve();
    setTimeout(sendDue, Math.max(0, startedAt + (index * 1_000) / perS - performance.now()));
  };
  sendDue();
  await room.until(sent, ms + MESSAGE_MS_MAX, 'the fan-out schedule');
  await untilComplete(room, DRAIN_MS_MAX, total);
  room.onDelivery = undefined;
  return spread(latencies);
}
