import { v7 } from 'uuid';
import { backendCommand, type BackendCommand } from '../../shared/contract/backend.ts';
import { parseCommand } from '../../shared/contract/catalogue.ts';
import {
  COMMANDS_CALL_BYTES_MAX,
  commandsRequest,
  signalsRequest,
  type CommandOutcome,
  type CommandsAnswer,
  type RelayedCommand,
  type SignalsAnswer,
} from '../../shared/contract/internal.ts';
import { invalid } from '../../shared/contract/parse.ts';
import { problemOf } from '../../shared/contract/problem.ts';
import { ERROR_CODES, refusal, type Refusal } from '../../shared/core/codes.ts';
import { CORRELATION_ID_PATTERN, TRACEPARENT_PATTERN } from '../../shared/core/ids.ts';
import { ATTR } from '../../shared/telemetry/attributes.ts';
import { readTraces, TRACES_HEADER } from '../../shared/telemetry/trace-header.ts';
import { traceFields } from '../../shared/telemetry/traceparent.ts';
import type { Span, Tracer } from '../../shared/telemetry/tracer.ts';
import type { Env } from '../env.ts';
import { describeError, log } from '../log.ts';
import { countUndecided, noting, takeAside, Way } from '../metrics/isolate.ts';
import type { ExecuteInput } from '../session/api.ts';
import { sessionStub, type SessionStub } from '../session/stub.ts';
import { tracerOf } from '../telemetry/tracing.ts';
import type { AppContext } from './context.ts';
import { inLanes } from './in-lanes.ts';
import { parseJson } from './read-body.ts';
import { Refused } from './refused.ts';
import type { Route } from './route.ts';
import { askSession } from './sessions.ts';
import { readSigned } from './signed-call.ts';
import { TimedOut, within } from './time-bound.ts';

/** a session that takes longer is asked again later, with the same key: it must not hold up those that share the call */
const COMMAND_MS_MAX = 2_500;
/** well below what the relay waits for an answer; commands not begun by then are for later */
const COMMANDS_MS_MAX = 8_000;
const SIGNALS_MS_MAX = 2_000;

/** The door of backends: the relay brings what they published (contract §5). Signed; never for browsers. */
export const ingressRoutes: Route[] = [
  { method: 'POST', path: '/internal/commands', access: 'configured', handle: takeCommands },
  { method: 'POST', path: '/internal/signals', access: 'configured', handle: takeSignals },
];

async function takeCommands(c: AppContext): Promise<Response> {
  const { commands } = await readSigned(c, commandsRequest, COMMANDS_CALL_BYTES_MAX);
  const untilMs = Date.now() + COMMANDS_MS_MAX;
  const tracer = tracerOf(c.env, (work) => c.executionCtx.waitUntil(work));
  const marks = readTraces(c.req.header(TRACES_HEADER));
  const outcomes: CommandOutcome[] = [];
  await inLanes(commands, async (command, index) => {
    const marked = marks.find((mark) => mark.index === index)?.traceparent;
    outcomes[index] = await outcomeOf({ env: c.env, tracer, untilMs }, command, marked);
  });
  return c.json({ outcomes } satisfies CommandsAnswer);
}

interface Call {
  env: Env;
  tracer: Tracer;
  untilMs: number;
}

/** Every end of one command is a value: nothing that it contains can fail the others of the call. */
async function outcomeOf({ env, tracer, untilMs }: Call, relayed: RelayedCommand, marked?: string): Promise<CommandOutcome> {
  const { tenant, sessionId } = relayed;
  const identity = { tenant, sessionId };
  const way = new Way();
  let correlationId = v7();
  let span: Span | undefined;
  let traceparent = marked;
  try {
    const backend = parseBackendCommand(relayed.payload);
    if (matches(backend.correlationId, CORRELATION_ID_PATTERN)) ({ correlationId } = backend);
    const given = inputOf(relayed, backend, correlationId);
    traceparent ??= given.traceparent;
    span = tracer.child(`command ${given.command.name}`, traceparent, {
      kind: 'server',
      attributes: { [ATTR.door]: 'nats', [ATTR.command]: given.command.name, [ATTR.correlationId]: correlationId },
    });
    traceparent = span?.traceparent ?? traceparent;
    const input = traceparent === undefined ? given : { ...given, traceparent };
    const leftMs = untilMs - Date.now();
    if (leftMs <= 0) throw new TimedOut('the call took too long');
    const execute = noting(way, (session: SessionStub) => session.execute(identity, input));
    const { accepted, replayed } = await within(Math.min(COMMAND_MS_MAX, leftMs), askSession(env, identity, true, execute));
    return { kind: 'accepted', result: accepted, ...(replayed ? { replayed } : {}) };
  } catch (error) {
    countUndecided('nats', way);
    const refused = refusalOf(error);
    if (refused.code === 'internal') {
      const fields = { ...identity, correlationId, ...traceFields(traceparent), ...describeError(error) };
      log('error', 'a command failed', fields);
    }
    span?.set({ [ATTR.errorCode]: refused.code });
    if (ERROR_CODES[refused.code].status >= 500) span?.fail(refused.code);
    const problem = problemOf(refused, correlationId);
    return { kind: ERROR_CODES[refused.code].retry ? 'later' : 'refused', problem };
  } finally {
    span?.end();
  }
}

function parseBackendCommand(payload: string): BackendCommand & { correlationId?: unknown } {
  const parsed = backendCommand.safeParse(parseJson(payload));
  if (!parsed.success) throw new Refused(invalid(parsed.error).refusal);
  return parsed.data;
}

function inputOf(relayed: RelayedCommand, backend: BackendCommand, correlationId: string): ExecuteInput {
  const parsed = parseCommand(backend.command, backend.data);
  if (!parsed.ok) throw new Refused(parsed.refusal);
  const command = parsed.value;
  // rights on NATS are rights on subjects: they name the session, whatever the data says
  if (command.name === 'session.create' && command.data.id !== undefined && command.data.id !== relayed.sessionId) {
    throw new Refused(refusal('invalid_request', 'id: must be the session of the subject, or left out.'));
  }
  return {
    command,
    actor: { ...backend.actor, service: true },
    idempotencyKey: relayed.idempotencyKey,
    ...(backend.commandId === undefined ? {} : { commandId: backend.commandId }),
    correlationId,
    door: 'nats',
    ...takeAside(),
    ...(matches(backend.traceparent, TRACEPARENT_PATTERN) ? { traceparent: backend.traceparent } : {}),
  };
}

function matches(value: unknown, pattern: RegExp): value is string {
  return typeof value === 'string' && pattern.test(value);
}

function refusalOf(error: unknown): Refusal {
  if (error instanceof Refused) return error.refusal;
  if (error instanceof TimedOut) return refusal('unavailable', 'The session did not answer in time.');
  return refusal('internal', 'The command failed for a reason of ours. It is logged under the correlation id.');
}

/** A session that does not take its signals in time has lost them: they are of the moment. */
async function takeSignals(c: AppContext): Promise<Response> {
  const { sessions } = await readSigned(c, signalsRequest);
  const untilMs = Date.now() + SIGNALS_MS_MAX;
  let lost = 0;
  await inLanes(sessions, async ({ tenant, sessionId, signals }) => {
    const identity = { tenant, sessionId };
    try {
      await within(Math.max(1, untilMs - Date.now()), sessionStub(c.env, identity).takeSignals(identity, signals));
    } catch (error) {
      lost += signals.length;
      log('warn', 'a session did not take its signals', { ...identity, ...describeError(error) });
    }
  });
  return c.json({ lost } satisfies SignalsAnswer);
}
