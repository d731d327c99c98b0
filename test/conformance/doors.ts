import { ask, askUpgrade, type Answer } from './http.ts';
import { natsActor, type Backend } from './nats.ts';
import type { Person } from './people.ts';
import { httpOf, pathOf, type CommandName, type Data } from './routes.ts';
import { problem, problemStatus, result, socketProblem, type Problem, type Result } from './schemas.ts';
import { openSocket } from './socket.ts';
import type { Target } from './target.ts';

export interface Act {
  as: Person;
  sessionId: string;
  command: CommandName;
  data: Data;
  key?: string;
}

/** What became of a command, the same by each door. */
export type Outcome =
  | { kind: 'taken'; result: Result; replayed: boolean | undefined; answer?: Answer }
  | { kind: 'refused'; problem: Problem; answer?: Answer };

export type DoorName = 'http' | 'socket' | 'nats';

export interface Doors {
  target: Target;
  backend: Backend | undefined;
}

export async function passThrough(door: DoorName, doors: Doors, act: Act): Promise<Outcome> {
  return { http: byHttp, socket: bySocket, nats: byNats }[door](doors, act);
}

async function byHttp({ target }: Doors, { as, sessionId, command, data, key }: Act): Promise<Outcome> {
  const { method, path, body } = httpOf(command, sessionId, data);
  const answer = await ask(target.url, method, path, {
    token: as.token,
    // a missing body is {}
    ...(Object.keys(body).length === 0 ? {} : { body }),
    ...(key === undefined ? {} : { headers: { 'Idempotency-Key': key } }),
  });
  return answer.status === 202 ? takenByHttp(answer) : refusedByHttp(answer);
}

function takenByHttp(answer: Answer): Outcome {
  const taken = result.parse(answer.body);
  const { headers } = answer;
  const replayed = headers.get('Idempotent-Replayed');
  if (replayed !== null && replayed !== 'true') throw new Error(`Idempotent-Replayed is ${replayed}`);
  const location = taken.eventId === null ? null : `${pathOf(taken.sessionId)}/commands/${taken.commandId}`;
  if (headers.get('Location') !== location) throw new Error(`Location is ${headers.get('Location')}, not ${location}`);
  if (replayed === null && headers.get('X-Correlation-Id') !== taken.correlationId)
    throw new Error(`X-Correlation-Id is ${headers.get('X-Correlation-Id')}, not ${taken.correlationId}`);
  return { kind: 'taken', result: taken, replayed: replayed !== null, answer };
}

/** Checks what holds for every problem over HTTP, and returns it. */
export function refusedByHttp(answer: Answer): Extract<Outcome, { kind: 'refused' }> {
  const contentType = answer.headers.get('Content-Type') ?? '';
  if (!contentType.startsWith('application/problem+json'))
    throw new Error(`${answer.status} as ${contentType}: ${JSON.stringify(answer.body)}`);
  const refused = problem.parse(answer.body);
  const wrong = [
    refused.status === answer.status ? undefined : `status ${refused.status} in a ${answer.status}`,
    problemStatus[refused.code] === refused.status ? undefined : `${refused.code} as ${refused.status}`,
    answer.headers.get('X-Correlation-Id') === refused.correlationId
      ? undefined
      : 'another X-Correlation-Id than the problem says',
    [429, 503].includes(refused.status) === /^\d+$/.test(answer.headers.get('Retry-After') ?? '') ? undefined : 'Retry-After',
  ].filter((each) => each !== undefined);
  if (wrong.length > 0) throw new Error(`${wrong.join(', ')}: ${JSON.stringify(refused)}`);
  return { kind: 'refused', problem: refused, answer };
}

/** Who may not open the socket is refused there, with the problem that the command would have. */
async function bySocket({ target }: Doors, { as, sessionId, command, data, key }: Act): Promise<Outcome> {
  const home = command === 'session.create' ? await homeOf(target, as) : sessionId;
  const upgrade = await askUpgrade(target.url, `${pathOf(home)}/socket`, {
    Authorization: `Bearer ${as.token}`,
    'Sec-WebSocket-Protocol': 'millrace.v1',
  });
  if (upgrade.status !== 101) return refusedByHttp(upgrade);
  const socket = await openSocket(target, as, home, { by: 'bearer' });
  const frame = await socket.command(command, data, key === undefined ? {} : { idempotencyKey: key });
  // the command itself may have closed it
  if (socket.closeCode === undefined) await socket.close();
  if (socket.faults.length > 0) throw new Error(socket.faults.join('; '));
  if (frame.type === 'ack') return { kind: 'taken', result: frame.result, replayed: frame.replayed === true };
  return { kind: 'refused', problem: frame.error };
}

/** A session of one's own, to have a socket on which to make others. */
async function homeOf(target: Target, as: Person): Promise<string> {
  const { body } = await ask(target.url, 'POST', '/v1/sessions', { token: as.token, body: { title: 'Home' } });
  return result.parse(body).sessionId;
}

async function byNats({ backend }: Doors, { as, sessionId, command, data, key }: Act): Promise<Outcome> {
  if (backend === undefined) throw new Error('no NATS address is known');
  const reply = await backend.command(as.tenant, sessionId, { command, data, actor: natsActor(as) }, key);
  const refused = socketProblem.safeParse(reply);
  if (refused.success) return { kind: 'refused', problem: refused.data };
  return { kind: 'taken', result: result.parse(reply), replayed: undefined };
}
