import { z } from 'zod';

/** What a guard notes of its read model: in the history store, which outlives the loss of everything that NATS keeps. */

const position = z.object({
  created: z.string(),
  firstSeq: z.int(),
  lastSeq: z.int(),
  lastTime: z.string(),
  holes: z.array(z.int()),
  server: z.string(),
  floorSeq: z.int(),
  doneThroughMs: z.number(),
});

const claim = z.object({ by: z.string(), untilMs: z.number() });

const replay = z.object({
  /** what was stored or written from then on may be missing; epoch milliseconds, as all times here */
  fromMs: z.number(),
  /** not to be begun earlier */
  notBeforeMs: z.number(),
  /** the first hour that is not read yet; absent: from the beginning */
  nextHour: z.int().optional(),
  /** when it was begun first */
  begunMs: z.number().optional(),
  /** the position once it is done; absent: the position goes on meanwhile */
  becomes: position.optional(),
  /** nothing was in hand that may be written later: not to be done a second time */
  once: z.boolean().optional(),
  /** the worker that does it; another one takes over after `untilMs` */
  claim: claim.optional(),
});

const note = z.object({ v: z.literal(1), position: position.optional(), replay: replay.optional() });

export type Note = z.infer<typeof note>;
export type PendingReplay = z.infer<typeof replay>;

/** Undefined for what this program cannot read: a guard that forgot reads everything once more. */
export function parseNote(text: string | undefined): Note | undefined {
  return parsed(note, text);
}

/** The name of the note that says since when every writer of the archive keeps `touched`. */
export const TOUCHED_NOTE = 'touched';

const touchedNote = z.object({ sinceMs: z.number() });

/** Infinity while nobody noted it: then the whole archive has to be read. */
export function touchedSinceMs(text: string | undefined): number {
  return parsed(touchedNote, text)?.sinceMs ?? Infinity;
}

/** Who is at something, and until when nobody else may be; undefined: nobody said so. */
export function parseClaim(text: string | undefined): z.infer<typeof claim> | undefined {
  return parsed(claim, text);
}

function parsed<T>(schema: z.ZodType<T>, text: string | undefined): T | undefined {
  if (text === undefined) return undefined;
  try {
    return schema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}
