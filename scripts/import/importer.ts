import { createHash } from 'node:crypto';
import { describeReply, sessionPath, type HttpClient, type Reply } from '../replay/http.ts';
import { message as messageAnswer, problem } from '../replay/answers.ts';
import type { NumberedLine } from './file.ts';
import { sessionOf, type ExportLine, type SessionLine } from './lines.ts';

/** What became of a line: `there` was there already, from an earlier run. */
export type Outcome = { kind: 'sent' } | { kind: 'there' } | { kind: 'refused'; why: string };

interface Command {
  method: string;
  path: string;
  body?: object;
  actor: string;
  key: string;
}

/**
 * Sends the lines of one session in their order, each as the person it is of. Every command has a key that depends on the line
 * alone, so that a second run is a repetition; what is too old for its key is found by its id.
 */
export class SessionImporter {
  readonly #http: HttpClient;
  readonly #session: SessionLine;
  readonly #members: Set<string>;

  constructor(http: HttpClient, session: SessionLine) {
    this.#http = http;
    this.#session = session;
    this.#members = new Set([session.owner]);
  }

  /** An earlier run sent it: who is a member since then is not to join again, for that would take a role from them. */
  passOver(line: ExportLine): void {
    if (line.type === 'message') this.#members.add(line.author);
    else if (line.type === 'reaction') this.#members.add(line.user);
    else if (line.type === 'member') this.#noteMember(line);
  }

  /** Rejects only when the system does not answer for long. */
  async send(numbered: NumberedLine): Promise<Outcome> {
    const { line } = numbered;
    if (line.type === 'message' || line.type === 'reaction') {
      const who = line.type === 'message' ? line.author : line.user;
      const joined = await this.#join(who, numbered);
      if (joined !== undefined) return joined;
    }
    const command = { ...commandOf(line, this.#session.owner), key: keyOf('line', numbered) };
    const reply = await this.#run(command);
    if (line.type === 'member' && (line.role === 'left' || reply.status === 202)) this.#noteMember(line);
    if (reply.status === 202) return wasThere(reply) ? { kind: 'there' } : { kind: 'sent' };
    if (codeOf(reply) === 'conflict' && (await this.#isSame(line))) return { kind: 'there' };
    // whoever left before the first run is none
    if (codeOf(reply) === 'member_not_found') return { kind: 'there' };
    return { kind: 'refused', why: describeReply(reply) };
  }

  #noteMember({ user, role }: Extract<ExportLine, { type: 'member' }>): void {
    if (role === 'left') this.#members.delete(user);
    else this.#members.add(user);
  }

  /** Whoever wrote was a member. */
  async #join(user: string, numbered: NumberedLine): Promise<Outcome | undefined> {
    if (this.#members.has(user)) return undefined;
    const { id, owner } = this.#session;
    const path = `${sessionPath(id)}/members/${encodeURIComponent(user)}`;
    const key = keyOf('join', numbered);
    const reply = await this.#run({ method: 'PUT', path, body: { role: 'member' }, actor: owner, key });
    if (reply.status !== 202) return { kind: 'refused', why: `${user} cannot join: ${describeReply(reply)}` };
    this.#members.add(user);
    return undefined;
  }

  async #run({ method, path, body, actor, key }: Command): Promise<Reply> {
    return await this.#http.insist(method, path, {
      ...(body === undefined ? {} : { body }),
      headers: { 'millrace-actor': actor },
      idempotencyKey: key,
    });
  }

  /** A session of this id is taken for the same one; a message must be the same. */
  async #isSame(line: ExportLine): Promise<boolean> {
    const headers = { 'millrace-actor': this.#session.owner };
    if (line.type === 'session') return (await this.#http.insist('GET', sessionPath(line.id), { headers })).status === 200;
    if (line.type !== 'message') return false;
    const reply = await this.#http.insist('GET', `${sessionPath(line.session)}/messages/${line.id}`, { headers });
    const found = messageAnswer.safeParse(reply.body);
    if (!found.success) return false;
    const { author, text, createdAt, deletedAt, editedAt } = found.data;
    const isSameMessage = author.id === line.author && Date.parse(createdAt) === Date.parse(line.createdAt);
    // what happened to it since is not the import's business
    return isSameMessage && (text === line.text || deletedAt !== undefined || editedAt !== undefined);
  }
}

function commandOf(line: ExportLine, owner: string): Omit<Command, 'key'> {
  const at = sessionPath(sessionOf(line));
  switch (line.type) {
    case 'session': {
      const { type: _type, owner: actor, ...body } = line;
      return { method: 'POST', path: '/v1/sessions', body, actor };
    }
    case 'member': {
      const path = `${at}/members/${encodeURIComponent(line.user)}`;
      if (line.role === 'left') return { method: 'DELETE', path, actor: owner };
      return { method: 'PUT', path, body: { role: line.role }, actor: owner };
    }
    case 'message': {
      const { type: _type, session: _session, author, authorKind, ...body } = line;
      const actor = authorKind === undefined ? author : `${author};${authorKind}`;
      return { method: 'POST', path: `${at}/messages`, body, actor };
    }
    case 'reaction': {
      const path = `${at}/messages/${line.message}/reactions/${encodeURIComponent(line.emoji)}`;
      return { method: 'PUT', path, actor: line.user };
    }
  }
}

/** The same for the same line of the same file. Another export has other keys, and finds what is there by its ids. */
function keyOf(what: 'line' | 'join', { number, line }: NumberedLine): string {
  return `import-${what}-${number}-${createHash('sha256').update(JSON.stringify(line)).digest('base64url')}`;
}

function wasThere({ headers, body }: Reply): boolean {
  const isUnchanged = typeof body === 'object' && body !== null && 'unchanged' in body;
  return headers.get('idempotent-replayed') === 'true' || isUnchanged;
}

function codeOf(reply: Reply): string | undefined {
  const parsed = problem.safeParse(reply.body);
  return parsed.success ? parsed.data.code : undefined;
}
