import { commandStatus, type CommandStatus } from './answers.ts';
import { sleep } from './backoff.ts';
import { forEachLimited } from './gate.ts';
import { describeReply, reasonOf, sessionPath, type HttpClient } from './http.ts';

const POLL_MS_MIN = 250;
const POLL_MS_MAX = 2_000;
/** statuses asked for at once, per session */
const WIDTH = 4;

export interface StatusReader {
  sessionId: string;
  /** gives up when nothing became persisted for this long */
  patienceMs: number;
  onPersisted: (count: number) => void;
  onFault: (what: string) => void;
}

interface Asked {
  commandId: string;
  userId: string;
}

/**
 * Waits until every command is `persisted` and returns each one's status. While the newest are not there yet only they are
 * asked about; then all are, and those that are not persisted once more until they are or nothing moves any longer.
 */
export async function awaitPersisted(
  reader: StatusReader,
  commands: readonly Asked[],
  clientOf: (userId: string) => HttpClient,
): Promise<Map<string, CommandStatus>> {
  const statuses = new Map<string, CommandStatus>();
  const blamed = new Set<string>();
  let open = [...commands];
  let movedAtMs = Date.now();
  let pollMs = POLL_MS_MIN;
  const ask = async (asked: Asked): Promise<void> => {
    const status = await readStatus(clientOf(asked.userId), reader.sessionId, asked.commandId);
    if (typeof status === 'string') {
      if (!blamed.has(asked.commandId)) reader.onFault(status);
      blamed.add(asked.commandId);
      return;
    }
    if (status.status === 'persisted') reader.onPersisted(1);
    if (status.status !== statuses.get(asked.commandId)?.status) movedAtMs = Date.now();
    statuses.set(asked.commandId, status);
  };
  // a failed one waits for a person to redrive it: this run does not
  const unsettled = ({ commandId }: Asked): boolean => !['persisted', 'failed'].includes(statuses.get(commandId)?.status ?? '');
  while (open.length > 0) {
    const sample = open.at(-1);
    if (sample !== undefined) await ask(sample);
    const stillMs = Date.now() - movedAtMs;
    // the newest stands for the rest, but not for long: others may be moving while it is held up
    if (sample === undefined || !unsettled(sample) || stillMs > reader.patienceMs / 4) {
      await forEachLimited(open.filter(unsettled), WIDTH, ask);
      open = open.filter(unsettled);
      if (Date.now() - movedAtMs > reader.patienceMs) break;
    }
    if (open.length === 0) break;
    await sleep(pollMs);
    pollMs = Math.min(POLL_MS_MAX, pollMs * 1.5);
  }
  return statuses;
}

/** The status, or one line that says why there is none. */
async function readStatus(http: HttpClient, sessionId: string, commandId: string): Promise<CommandStatus | string> {
  try {
    const reply = await http.insist('GET', `${sessionPath(sessionId)}/commands/${commandId}`);
    const parsed = commandStatus.safeParse(reply.body);
    if (reply.status === 200 && parsed.success) return parsed.data;
    return `the status of ${commandId} is ${describeReply(reply)}`;
  } catch (error) {
    return `the status of ${commandId} could not be read: ${reasonOf(error)}`;
  }
}
