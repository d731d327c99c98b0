import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { parseLine, sessionOf, type ExportLine, type SessionLine } from './lines.ts';

export interface NumberedLine {
  /** from 1, as editors count */
  number: number;
  line: ExportLine;
}

/** What is known of a file before anything of it is sent. */
export interface Survey {
  lines: number;
  sessions: Map<string, SessionLine>;
}

/** sessions of one file; their lines are kept in memory for who owns them */
const SESSIONS_MAX = 1_000_000;

/** Lines in their order; empty ones are passed over. Throws for a line that is none. */
export async function* linesOf(file: string): AsyncGenerator<NumberedLine> {
  let number = 0;
  for await (const text of createInterface({ input: createReadStream(file, 'utf8'), crlfDelay: Infinity })) {
    number += 1;
    if (text.trim() === '') continue;
    try {
      yield { number, line: parseLine(text) };
    } catch (error) {
      throw new Error(`line ${number}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
    }
  }
}

/** Reads all of it: a mistake in the last line is found before the first is sent. Throws an Error that names the line. */
export async function survey(file: string): Promise<Survey> {
  const sessions = new Map<string, SessionLine>();
  let lines = 0;
  for await (const { number, line } of linesOf(file)) {
    lines += 1;
    if (line.type === 'session') {
      if (sessions.has(line.id)) throw new Error(`line ${number}: the session ${line.id} is there twice`);
      if (sessions.size >= SESSIONS_MAX) throw new Error(`line ${number}: a file has at most ${SESSIONS_MAX} sessions`);
      sessions.set(line.id, line);
    } else if (!sessions.has(sessionOf(line))) {
      throw new Error(`line ${number}: the session ${sessionOf(line)} has no line of its own above`);
    }
  }
  return { lines, sessions };
}
