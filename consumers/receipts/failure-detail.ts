import type { EventFault } from '../../shared/contract/event-schema.ts';

/** What a command's status says of a dead letter, by its code. */
const DETAILS: Readonly<Record<EventFault | 'subject_mismatch', string> & Record<string, string>> = {
  unparsable: 'The event could not be read.',
  unknown_type: 'The event is of a type that the history does not know yet.',
  future_version: 'The event is of a version that the history does not know yet.',
  invalid_event: 'The event does not match its schema.',
  subject_mismatch: 'The event was published as one of another tenant, type or session.',
  deliveries_exhausted: 'The event was tried many times without an end.',
  retries_exhausted: 'The event could not be stored, though it was tried many times.',
  projection_failed: 'The event could not be turned into rows.',
};

/** Fixed text: what a store or a parser said may hold names and contents that are not for clients. Those are in the dead letter. */
export function failureDetail(code: string): string {
  return (Object.hasOwn(DETAILS, code) ? DETAILS[code] : undefined) ?? 'The event could not be stored.';
}
