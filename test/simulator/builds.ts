import { z } from 'zod';
import { EVENT_DATA_SCHEMAS, eventParser, EVOLUTION, parseEvent, type Evolution } from '../../shared/contract/event-schema.ts';
import type { EventParser } from '../../shared/contract/event-schema.ts';
import { EVENT_VERSIONS, stampEvent, type EventVersions } from '../../shared/core/event.ts';
import { isErased, type Event, type EventDraft, type EventType } from '../../shared/core/types.ts';
import { eventVersion, UPCASTERS, upcast, versionIn, type Upcaster } from '../../shared/core/upcast.ts';

/** What a build of the product knows of the versions of events; all else is the same code. */
export interface Build {
  name: 'older' | 'newer';
  evolution: Evolution;
  parse: EventParser;
  versions: EventVersions;
  /** what a read model of this build makes of a message besides what the product's own do: only version 3 says a language */
  languageOf(data: Readonly<Record<string, unknown>>): string;
}

/** said by version 3 alone; before it nobody said one */
const UNSAID = 'und';
const SAID = 'en';

/** The next versions of some types: message.created has two more, trace.started has one. */
const STEPS: Readonly<Partial<Record<EventType, readonly Upcaster[]>>> = {
  'message.created': [
    ({ text, ...rest }) => ({ ...rest, body: text }),
    ({ body, ...rest }) => ({ ...rest, text: body, language: UNSAID }),
  ],
  'trace.started': [({ metadata, ...rest }) => ({ ...rest, metadata: { ...(metadata as object), labels: [] } })],
};

const MESSAGE = EVENT_DATA_SCHEMAS['message.created'];
const TRACE = EVENT_DATA_SCHEMAS['trace.started'];
const LATER: Evolution = {
  upcasters: {
    ...UPCASTERS,
    'message.created': [...(UPCASTERS['message.created'] ?? []), ...(STEPS['message.created'] ?? [])],
    'trace.started': [...(UPCASTERS['trace.started'] ?? []), ...(STEPS['trace.started'] ?? [])],
  },
  past: {
    ...EVOLUTION.past,
    'message.created': [
      ...(EVOLUTION.past['message.created'] ?? []),
      MESSAGE,
      MESSAGE.omit({ text: true }).extend({ body: z.string() }),
    ],
    'trace.started': [...(EVOLUTION.past['trace.started'] ?? []), TRACE],
  },
  newest: {
    ...EVOLUTION.newest,
    'message.created': MESSAGE.extend({ language: z.string() }),
    'trace.started': TRACE.extend({ metadata: z.looseObject({ labels: z.array(z.string()) }) }),
  },
};

export const OLDER: Build = {
  name: 'older',
  evolution: EVOLUTION,
  parse: parseEvent,
  versions: EVENT_VERSIONS,
  languageOf: () => UNSAID,
};

export const NEWER: Build = {
  name: 'newer',
  evolution: LATER,
  parse: eventParser(LATER),
  versions: {
    stamp: (view, draft, stamp) => stampEvent(view, written(draft), stamp, LATER.upcasters),
    raise: (event) => upcast(event, LATER.upcasters),
  },
  languageOf: ({ language }) => String(language),
};

/** What the commands of the newer build say. */
function written(draft: EventDraft): EventDraft {
  const data: Record<string, unknown> = { ...draft.data };
  const added: Readonly<Partial<Record<EventType, () => object>>> = {
    'message.created': () => ({ language: SAID }),
    'trace.started': () => ({ metadata: { ...(data['metadata'] as object), labels: [SAID] } }),
  };
  const more = added[draft.type]?.();
  // in the shape of the newer build's own types, which this one has no names for
  return more === undefined ? draft : ({ ...draft, data: { ...data, ...more } } as EventDraft);
}

/** The language that an event says, in whichever version it was stored; undefined: it is no message, or erased. */
export function languageSaid(event: Event): string | undefined {
  if (event.type !== 'message.created' || isErased(event)) return undefined;
  return isOfLater(event) ? SAID : UNSAID;
}

/** Whether only the newer build knows the version that it was stored in. */
export function isOfLater({ type, dataschema }: Event): boolean {
  return (versionIn(type, dataschema) ?? 0) > eventVersion(type);
}

/** Why an event is not in the newest version that a build knows; undefined when it is. */
export function notNewest(event: Event, { evolution }: Build): string | undefined {
  const newest = eventVersion(event.type, evolution.upcasters);
  const version = versionIn(event.type, event.dataschema);
  if (version !== newest) return `${event.type} in version ${version}, where ${newest} is known`;
  const isShaped = isErased(event) || evolution === EVOLUTION || hasWhatIsNew(event.type, { ...event.data });
  return isShaped ? undefined : `${event.type} that says version ${version} and does not look like it`;
}

/** What only the newer build's newest versions have; all else the parser proves. */
function hasWhatIsNew(type: EventType, data: Readonly<Record<string, unknown>>): boolean {
  if (type === 'message.created') return typeof data['text'] === 'string' && typeof data['language'] === 'string';
  return type !== 'trace.started' || Array.isArray((data['metadata'] as { labels?: unknown }).labels);
}

/** The same of what a client reads of a trace. */
export function isNewestTrace(metadata: Readonly<Record<string, unknown>>, build: Build): boolean {
  return build === OLDER || Array.isArray(metadata['labels']);
}
