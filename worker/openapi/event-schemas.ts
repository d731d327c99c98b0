import { z } from 'zod';
import { EVENT_SCHEMA_VERSIONS, EVENT_TYPES } from '../../shared/contract/event-schema.ts';
import type { EventType } from '../../shared/core/types.ts';

/** JSON Schema (2020-12) of a whole event of one type and version: what `dataschema` points at. Undefined when there is none. */
export function schemaOf(type: string, version: string, publicUrl: string): object | undefined {
  const versions = isEventType(type) ? EVENT_SCHEMA_VERSIONS[type] : [];
  const whole = /^[1-9]\d{0,5}$/.test(version) ? versions[Number(version) - 1] : undefined;
  if (whole === undefined) return undefined;
  const schema = z.toJSONSchema(whole, { io: 'input', unrepresentable: 'any' });
  return { ...schema, $id: `${publicUrl}/schemas/${type}/${version}`, title: type };
}

function isEventType(type: string): type is EventType {
  return (EVENT_TYPES as readonly string[]).includes(type);
}
