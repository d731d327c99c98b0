/** The table of contract §1: method and path under /v1 of every command, written from its text. */
export const ROUTES = {
  'session.create': ['POST', '/sessions'],
  'session.update': ['PATCH', '/sessions/{s}'],
  'session.archive': ['POST', '/sessions/{s}/archive'],
  'session.restore': ['POST', '/sessions/{s}/restore'],
  'session.delete': ['DELETE', '/sessions/{s}'],
  'member.put': ['PUT', '/sessions/{s}/members/{userId}'],
  'member.remove': ['DELETE', '/sessions/{s}/members/{userId}'],
  'message.send': ['POST', '/sessions/{s}/messages'],
  'message.edit': ['PATCH', '/sessions/{s}/messages/{messageId}'],
  'message.delete': ['DELETE', '/sessions/{s}/messages/{messageId}'],
  'reaction.add': ['PUT', '/sessions/{s}/messages/{messageId}/reactions/{emoji}'],
  'reaction.remove': ['DELETE', '/sessions/{s}/messages/{messageId}/reactions/{emoji}'],
  'read.advance': ['PUT', '/sessions/{s}/read'],
  'stream.start': ['POST', '/sessions/{s}/streams'],
  'stream.append': ['POST', '/sessions/{s}/streams/{messageId}/chunks'],
  'stream.finish': ['POST', '/sessions/{s}/streams/{messageId}/finish'],
  'stream.cancel': ['POST', '/sessions/{s}/streams/{messageId}/cancel'],
  'trace.start': ['POST', '/sessions/{s}/traces'],
  'trace.append': ['POST', '/sessions/{s}/traces/{traceId}/spans'],
  'trace.finish': ['POST', '/sessions/{s}/traces/{traceId}/finish'],
  'trace.purge': ['DELETE', '/sessions/{s}/traces/{traceId}'],
} as const satisfies Record<string, readonly [method: string, path: string]>;

export type CommandName = keyof typeof ROUTES;
export const COMMANDS = Object.keys(ROUTES) as CommandName[];
export type Data = Readonly<Record<string, unknown>>;

/** Path parameters are fields of the data by socket and NATS; over HTTP they are in the path, and nowhere else. */
export function httpOf(command: CommandName, sessionId: string, data: Data): { method: string; path: string; body: Data } {
  const [method, template] = ROUTES[command];
  const body: Record<string, unknown> = { ...data };
  const path = template.replaceAll(/\{(\w+)\}/g, (_whole, name: string) => {
    const value = name === 's' ? sessionId : body[name];
    if (name !== 's') delete body[name];
    return encodeURIComponent(typeof value === 'string' ? value : JSON.stringify(value ?? ''));
  });
  return { method, path: `/v1${path}`, body };
}

export function pathOf(sessionId: string): string {
  return `/v1/sessions/${encodeURIComponent(sessionId)}`;
}
