import { createReadStream } from 'node:fs';
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

/** longer than any line that the edge would take (a body of 1 MiB); a file without line ends is no export */
const LINE_CHARS_MAX = 4 * 1024 * 1024;

/** Lines in their order; empty ones are passed over. Throws for a line that is none. */
export async function* linesOf(file: string): AsyncGenerator<NumberedLine> {
  let number = 0;
  for await (const text of textLines(file)) {
    number += 1;
    if (text.trim() === '') continue;
    try {
      yield { number, line: parseLine(text) };
    } catch (error) {
      throw new Error(`line ${number}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
    }
  }
}

/** Split at line feeds alone: JSON may hold the other line ends of Unicode (U+2028) as they are, and node:readline splits there too. */
async function* textLines(file: string): AsyncGenerator<string> {
  let rest = '';
  let read = 0;
  let isFirst = true;
  for await (const chunk of createReadStream(file, 'utf8') as AsyncIterable<string>) {
    // what editors of one platform begin a file with
    const lines = (rest + (isFirst ? chunk.replace(/^\uFEFF/, '') : chunk)).split('\n');
    isFirst = false;
    rest = lines.pop() ?? '';
    read += lines.length;
    yield* lines;
    if (rest.length > LINE_CHARS_MAX) throw new Error(`line ${read + 1}: it is longer than ${LINE_CHARS_MAX} characters`);
  }
  if (rest !== '') yield rest;
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
