import type { CommandDataByName } from '../shared/core/types.ts';
import { COMMAND_ROUTES, PATH_FIELDS } from '../shared/contract/command-routes.ts';
import type { PlannedCommandData } from './planned.ts';

/** `data` of every command of the catalogue (contract §1). */
export type CommandData = CommandDataByName & Omit<PlannedCommandData, keyof CommandDataByName>;
export type CommandName = keyof CommandData;

/** A command as HTTP carries it. Path parameters are no fields of the body. */
export function httpFormOf(name: CommandName, sessionId: string, data: object): { method: string; path: string; body: object } {
  const body: Record<string, unknown> = { ...data };
  const [method = '', template = ''] = COMMAND_ROUTES[name].split(' ');
  const path = template.replace(/\{(\w+)\}/g, (_all, parameter: string) => {
    if (parameter === 's') return encodeURIComponent(sessionId);
    const field = PATH_FIELDS[parameter] ?? parameter;
    const value = String(body[field]);
    delete body[field];
    return encodeURIComponent(value);
  });
  return { method, path: `/v1${path}`, body };
}
