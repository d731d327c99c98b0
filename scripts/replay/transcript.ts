import { z } from 'zod';
import { USER_ID_PATTERN } from '../../shared/core/ids.ts';
import { TEXT_CODE_POINTS_MAX } from '../../shared/core/limits.ts';
import { codePoints, hasLoneSurrogate, isBlank } from '../../shared/core/text.ts';

/** One line of a transcript file. */
export interface Transcript {
  session: string;
  messages: TranscriptMessage[];
}

export interface TranscriptMessage {
  userId: string;
  text: string;
}

const line = z.object({
  session: z.string().min(1),
  messages: z.array(z.tuple([z.string(), z.string().min(1), z.string()])).min(1),
});

const SESSION_ID_LENGTH_MAX = 64;

/** Reads `{session, messages: [[hh:mm, nick, text]]}` per line. Throws an error that names the line and what is wrong with it. */
export function parseTranscripts(file: string): Transcript[] {
  const transcripts: Transcript[] = [];
  for (const [index, raw] of file.split('\n').entries()) {
    if (raw.trim() === '') continue;
    const where = `line ${index + 1}`;
    let json: unknown;
    try {
      json = JSON.parse(raw);
    } catch (error) {
      throw new Error(`${where} is not JSON: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
    }
    const parsed = line.safeParse(json);
    if (!parsed.success) {
      const issue = parsed.error.issues[0];
      throw new Error(`${where} is no transcript: ${issue?.path.join('.') ?? ''} ${issue?.message ?? ''}`);
    }
    const names = new Map<string, string>();
    const messages = parsed.data.messages.map(([, nick, text], at) => {
      checkText(text, `${where}, message ${at + 1}`);
      return { userId: userIdOf(nick, names, where), text };
    });
    transcripts.push({ session: parsed.data.session, messages });
  }
  if (transcripts.length === 0) throw new Error('the file holds no transcript');
  return transcripts;
}

/** What the system would refuse is said before anything is sent. */
function checkText(text: string, where: string): void {
  if (isBlank(text)) throw new Error(`${where} has only white space`);
  if (hasLoneSurrogate(text)) throw new Error(`${where} has a lone surrogate`);
  if (codePoints(text, TEXT_CODE_POINTS_MAX) > TEXT_CODE_POINTS_MAX)
    throw new Error(`${where} is over ${TEXT_CODE_POINTS_MAX} code points`);
}

/** A nick is its user id where the contract allows that; another is percent-encoded, and must stay distinct. */
function userIdOf(nick: string, names: Map<string, string>, where: string): string {
  const userId = USER_ID_PATTERN.test(nick) ? nick : encodeURIComponent(hasLoneSurrogate(nick) ? '' : nick);
  if (!USER_ID_PATTERN.test(userId)) throw new Error(`${where}: the nick ${JSON.stringify(nick)} cannot be made a user id`);
  const other = names.get(userId);
  if (other !== undefined && other !== nick) {
    throw new Error(`${where}: the nicks ${JSON.stringify(nick)} and ${JSON.stringify(other)} give one user id`);
  }
  names.set(userId, nick);
  return userId;
}

/** The transcript's messages, `times` times over, in the same session. */
export function repeat(messages: readonly TranscriptMessage[], times: number): TranscriptMessage[] {
  return Array.from({ length: times }, () => messages).flat();
}

/** Legal, distinct session ids that still show which transcript they are of; `mark` makes them unique to a run. */
export function sessionIds(transcripts: readonly Transcript[], mark: { prefix: string } | { suffix: string }): string[] {
  const taken = new Set<string>();
  return transcripts.map(({ session }) => {
    const name = session.replaceAll(/[^A-Za-z0-9_-]/g, '_');
    for (let copy = 1; ; copy += 1) {
      const copied = copy === 1 ? '' : `-${copy}`;
      const head = 'prefix' in mark ? mark.prefix : '';
      const tail = 'suffix' in mark ? `${copied}-${mark.suffix}` : copied;
      const id = `${head}${name.slice(0, Math.max(1, SESSION_ID_LENGTH_MAX - head.length - tail.length))}${tail}`;
      if (taken.has(id)) continue;
      taken.add(id);
      return id;
    }
  });
}
