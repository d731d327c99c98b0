import type { Event, EventType } from './types.ts';

/** Versions of events. What was stored keeps the version that it was stored with; whoever reads it sees the newest. */

/** From one version of a type's whole `data` to the next. Pure, and total over everything its version allowed. */
export type Upcaster = (data: Readonly<Record<string, unknown>>) => Record<string, unknown>;

/** Per type the steps from version 1 on, one per version that is no longer the newest. A step is appended, never changed. */
export type Upcasters = Readonly<Partial<Record<EventType, readonly Upcaster[]>>>;

/** No type has had a second version yet. */
export const UPCASTERS: Upcasters = {};

/** The newest version of a type, which is the one that new events are stamped with. From 1. */
export function eventVersion(type: EventType, upcasters: Upcasters = UPCASTERS): number {
  return 1 + (upcasters[type]?.length ?? 0);
}

/** The version that `dataschema` (`{url}/schemas/{type}/{version}`) names; undefined when it names no version of this type. */
export function versionIn(type: string, dataschema: unknown): number | undefined {
  if (typeof dataschema !== 'string') return undefined;
  const [version, name] = dataschema.split('/').toReversed();
  if (name !== type || version === undefined || !/^[1-9]\d{0,5}$/.test(version)) return undefined;
  return Number(version);
}

/**
 * The event in the newest version of its type. One that has it already, or a newer one than this build knows, comes back as
 * it is; so does `data` that was erased, whose shape has no versions.
 */
export function upcast(event: Event, upcasters: Upcasters = UPCASTERS): Event {
  const steps = upcasters[event.type] ?? [];
  const from = versionIn(event.type, event.dataschema) ?? 1;
  if (from > steps.length) return event;
  const prefix = event.dataschema.slice(0, event.dataschema.lastIndexOf('/') + 1);
  const dataschema = `${prefix}${steps.length + 1}`;
  if ((event.data as { erased?: unknown }).erased === true) return { ...event, dataschema };
  const data = steps
    .slice(from - 1)
    .reduce<Record<string, unknown>>((before, step) => step(before), event.data as unknown as Record<string, unknown>);
  // the steps lead to the newest shape, which whoever parses events proves afterwards
  return { ...event, dataschema, data } as unknown as Event;
}
