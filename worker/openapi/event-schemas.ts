import { z } from 'zod';
import { EVENT_SCHEMAS, EVENT_TYPES } from '../../shared/contract/event-schema.ts';
import { EVENT_VERSION } from '../../shared/core/event.ts';
import type { EventType } from '../../shared/core/types.ts';

/** JSON Schema (2020-12) of a whole event of one type and version: what `dataschema` points at. Undefined when there is none. */
export function schemaOf(type: string, version: string, publicUrl: string): object | undefined {
  if (!isEventType(type) || version !== String(EVENT_VERSION)) return undefined;
  const schema = z.toJSONSchema(EVENT_SCHEMAS[type], { io: 'input', unrepresentable: 'any' });
  return { ...schema, $id: `${publicUrl}/schemas/${type}/${version}`, title: type };
}

function isEventType(type: string): type is EventType {
  return (EVENT_TYPES as readonly string[]).includes(type);
}
