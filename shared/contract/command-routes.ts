/**
 * Method and path of every command (contract §1), apart from the schemas so that the client need not carry them. `{s}` is the
 * session; other parameters are fields of the command's data.
 */
export const COMMAND_ROUTES = {
  'session.create': 'POST /sessions',
  'session.update': 'PATCH /sessions/{s}',
  'session.archive': 'POST /sessions/{s}/archive',
  'session.restore': 'POST /sessions/{s}/restore',
  'session.delete': 'DELETE /sessions/{s}',
  'member.put': 'PUT /sessions/{s}/members/{userId}',
  'member.remove': 'DELETE /sessions/{s}/members/{userId}',
  'message.send': 'POST /sessions/{s}/messages',
  'message.edit': 'PATCH /sessions/{s}/messages/{m}',
  'message.delete': 'DELETE /sessions/{s}/messages/{m}',
  'reaction.add': 'PUT /sessions/{s}/messages/{m}/reactions/{emoji}',
  'reaction.remove': 'DELETE /sessions/{s}/messages/{m}/reactions/{emoji}',
  'read.advance': 'PUT /sessions/{s}/read',
  'stream.start': 'POST /sessions/{s}/streams',
  'stream.append': 'POST /sessions/{s}/streams/{m}/chunks',
  'stream.finish': 'POST /sessions/{s}/streams/{m}/finish',
  'stream.cancel': 'POST /sessions/{s}/streams/{m}/cancel',
  'trace.start': 'POST /sessions/{s}/traces',
  'trace.append': 'POST /sessions/{s}/traces/{t}/spans',
  'trace.finish': 'POST /sessions/{s}/traces/{t}/finish',
  'trace.purge': 'DELETE /sessions/{s}/traces/{t}',
} as const satisfies Record<string, `${'POST' | 'PUT' | 'PATCH' | 'DELETE'} /${string}`>;

/** Path parameter → field of `data`. */
export const PATH_FIELDS: Readonly<Record<string, string>> = {
  m: 'messageId',
  t: 'traceId',
  userId: 'userId',
  emoji: 'emoji',
};
