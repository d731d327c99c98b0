import type { AppContext, Caller } from './context.ts';
import { refuse } from './refused.ts';

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
export type Params = Readonly<Record<string, string>>;

/** One row of the Worker's table. `path` is a template with `{name}` segments, as in the catalogue and in OpenAPI. */
export type Route = { method: Method; path: string } & (
  | { access: 'open'; handle: (c: AppContext, params: Params) => Response | Promise<Response> }
  /** refused while a secret is missing, but proves its caller by other means than a token */
  | { access: 'configured'; handle: (c: AppContext, params: Params) => Response | Promise<Response> }
  | { access: 'caller'; handle: (c: AppContext, params: Params, caller: Caller) => Response | Promise<Response> }
);

const PARAM = /^\{(\w+)\}$/;

/** The template in the router's own form. */
export function routerPath(template: string): string {
  return template.replaceAll(/\{(\w+)\}/g, ':$1');
}

/** The raw segments of a path by name, or undefined when it is not of this template. */
export function rawParams(template: string, path: string): Params | undefined {
  const names = template.split('/');
  const segments = path.split('/');
  if (names.length !== segments.length) return undefined;
  const params: Record<string, string> = {};
  for (const [i, name] of names.entries()) {
    const segment = segments[i] ?? '';
    const param = PARAM.exec(name)?.[1];
    if (param === undefined ? name !== segment : segment === '') return undefined;
    if (param !== undefined) params[param] = segment;
  }
  return params;
}

/** Decodes each segment once: a second decoding would let `%252F` pass as `/`. Bad encoding is 400 invalid_request. */
export function decodedParams(template: string, path: string): Params {
  const raw = rawParams(template, path) ?? {};
  return Object.fromEntries(
    Object.entries(raw).map(([name, segment]) => {
      try {
        return [name, decodeURIComponent(segment)];
      } catch {
        throw refuse('invalid_request', 'The path is not valid percent-encoded UTF-8.');
      }
    }),
  );
}

/** The methods of a path, for `Allow`; empty for a path that nobody knows. */
export function methodsOf(routes: readonly Route[], path: string): string[] {
  const methods = new Set<string>();
  for (const route of routes) {
    if (rawParams(route.path, path) === undefined) continue;
    methods.add(route.method);
    if (route.method === 'GET') methods.add('HEAD');
  }
  if (methods.size > 0) methods.add('OPTIONS');
  return [...methods];
}
