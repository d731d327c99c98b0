import { z } from 'zod';
import { EVOLUTION, EVENT_DATA_SCHEMAS, type Evolution } from '../../../shared/contract/event-schema.ts';
import type { Event } from '../../../shared/core/types.ts';

/**
 * What a later build may look like, for tests: message.created is in its third version. The second replaced `text` by
 * `body`, and the third calls it `text` again and says its `language`, so that a build of today reads what tests look at.
 */
const second = z.looseObject({ id: z.string(), body: z.string() });

export const LATER: Evolution = {
  upcasters: {
    'message.created': [
      ({ text, ...rest }) => ({ ...rest, body: text }),
      ({ body, ...rest }) => ({ ...rest, text: body, language: 'und' }),
    ],
  },
  past: { 'message.created': [EVENT_DATA_SCHEMAS['message.created'], second] },
  newest: {
    ...EVOLUTION.newest,
    'message.created': EVENT_DATA_SCHEMAS['message.created'].extend({ language: z.string() }),
  },
};

/** The event as a build that stamps `version` would have written its envelope. */
export function stamped(event: Event, version: number, data: Record<string, unknown> = { ...event.data }): Event {
  return { ...event, dataschema: `http://localhost/schemas/${event.type}/${version}`, data } as unknown as Event;
}
