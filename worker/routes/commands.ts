import { CATALOGUE, COMMAND_NAMES, parseHttpCommand, type CommandSpec } from '../../shared/contract/catalogue.ts';
import type { Command, CommandName } from '../../shared/core/types.ts';
import { countUndecided, noting, takeAside, Way } from '../metrics/isolate.ts';
import type { ExecuteInput } from '../session/api.ts';
import type { AppContext, Caller } from './context.ts';
import { idempotencyKeyOf } from './idempotency-key.ts';
import { readJson } from './read-body.ts';
import { Refused } from './refused.ts';
import type { Params, Route } from './route.ts';
import { newSessionId } from '../session/new-session-id.ts';
import type { SessionStub } from '../session/stub.ts';
import { askSession } from './sessions.ts';

/** The HTTP door of every command: method, path and schema come from the catalogue. */
export const commandRoutes: Route[] = COMMAND_NAMES.map((name) => {
  const spec: CommandSpec = CATALOGUE[name];
  return {
    method: spec.method,
    path: `/v1${spec.path}`,
    access: 'caller',
    handle: async (c, params, caller) => {
      const way = new Way();
      try {
        return await execute(c, name, params, caller, way);
      } catch (error) {
        countUndecided('http', way);
        throw error;
      }
    },
  };
});

async function execute(c: AppContext, name: CommandName, params: Params, caller: Caller, way: Way): Promise<Response> {
  const idempotencyKey = idempotencyKeyOf(c.req.raw.headers);
  const parsed = parseHttpCommand(name, params, await readJson(c.req.raw));
  if (!parsed.ok) throw new Refused(parsed.refusal);
  const command = parsed.value;
  const identity = { tenant: caller.tenant, sessionId: await sessionIdOf(command, params, caller, idempotencyKey) };
  const input: ExecuteInput = {
    command,
    actor: caller.actor,
    correlationId: c.var.correlationId,
    door: 'http',
    ...takeAside(),
    ...(idempotencyKey === undefined ? {} : { idempotencyKey }),
    ...(c.var.traceparent === undefined ? {} : { traceparent: c.var.traceparent }),
  };
  const repeatable = idempotencyKey !== undefined;
  const ask = noting(way, (session: SessionStub) => session.execute(identity, input));
  const { accepted, replayed } = await askSession(c.env, identity, repeatable, ask);
  // what has no event has no status to look at
  if (accepted.eventId !== null) {
    c.header('Location', `/v1/sessions/${accepted.sessionId}/commands/${encodeURIComponent(accepted.commandId)}`);
  }
  if (replayed) c.header('Idempotent-Replayed', 'true');
  return c.json(accepted, 202);
}

async function sessionIdOf(command: Command, params: Params, caller: Caller, key: string | undefined): Promise<string> {
  if (command.name === 'session.create') return command.data.id ?? (await newSessionId(caller.tenant, caller.actor.id, key));
  return params['s'] ?? '';
}
