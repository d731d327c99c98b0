import type { Dialect } from './dialect.ts';
import { millraceDialect } from './dialect-millrace.ts';
import { partyDialect } from './dialect-party.ts';
import { socketIoDialect } from './dialect-socket-io.ts';
import type { GeneratorMessage, Job, JobResult } from './job.ts';
import { measureAccept, measureFanout, measureThroughput } from './phases.ts';
import { Room } from './room.ts';

/**
 * The load generator: a process of its own, a new one for each job, so that none runs on code compiled for another contestant.
 * Gets one Job from its parent, answers with a GeneratorMessage of kind `result` or `error`, and ends.
 */
function dialectOf(job: Job, room: string): Dialect {
  switch (job.contestant) {
    case 'socket.io':
      return socketIoDialect(job.url, room);
    case 'partyserver':
      return partyDialect(job.url, room, job.party ?? '');
    case 'millrace':
      return millraceDialect({ url: job.url, room, senders: job.senders, jwtSecret: job.jwtSecret ?? '' });
  }
}

async function inRoom<T>(job: Job, name: string, sockets: number, work: (room: Room) => Promise<T>): Promise<T> {
  tell({ kind: 'phase', name });
  const senders = Math.min(job.senders, sockets);
  const room = new Room(dialectOf({ ...job, senders }, `${job.roomPrefix}-${name}`), sockets, senders);
  try {
    await room.open();
    const result = await work(room);
    room.verify();
    return result;
  } finally {
    room.close();
  }
}

async function run(job: Job): Promise<JobResult> {
  if (job.phases === 'throughput') {
    return inRoom(job, 'crowd', job.sockets, async (room) => ({ throughput: await measureThroughput(room, job), fanouts: [] }));
  }
  const acceptAlone = await inRoom(job, 'alone', 1, (room) => measureAccept(room, job, 'socket'));
  return inRoom(job, 'watched', job.sockets, async (room) => {
    const acceptWatched = await measureAccept(room, job, 'socket');
    const acceptHttp = room.hasHttp ? await measureAccept(room, job, 'http') : undefined;
    const fanouts = [];
    for (const rate of job.fanouts) {
      tell({ kind: 'phase', name: `${rate.perS} messages/s` });
      fanouts.push(await measureFanout(room, rate));
    }
    tell({ kind: 'phase', name: 'throughput' });
    const throughput = await measureThroughput(room, job);
    return { acceptAlone, acceptWatched, ...(acceptHttp === undefined ? {} : { acceptHttp }), throughput, fanouts };
  });
}

function tell(message: GeneratorMessage): void {
  process.send?.(message);
}

process.once('message', (job: Job) => {
  run(job).then(
    (result) => end({ kind: 'result', result }),
    (error: unknown) => end({ kind: 'error', message: error instanceof Error ? error.message : String(error) }),
  );
});
// the parent is gone: nobody waits for the result
process.once('disconnect', () => process.exit(1));

function end(message: GeneratorMessage): void {
  tell(message);
  process.removeAllListeners('disconnect');
  process.disconnect();
}
