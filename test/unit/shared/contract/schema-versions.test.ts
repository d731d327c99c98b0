import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { z } from 'zod';
import { EVENT_SCHEMA_VERSIONS, EVENT_TYPES } from '../../../../shared/contract/event-schema.ts';
import { canonicalJson } from '../../../../shared/core/text.ts';
import { eventVersion } from '../../../../shared/core/upcast.ts';

/** type/version → SHA-256 of its JSON Schema, as it was when that version was published. A line is added, never changed. */
const pinned = JSON.parse(readFileSync(new URL('./schema-hashes.json', import.meta.url), 'utf8')) as Record<string, string>;

const versions = EVENT_TYPES.flatMap((type) =>
  EVENT_SCHEMA_VERSIONS[type].map((schema, at) => [`${type}/${at + 1}`, schema] as const),
);

it.each(versions)('%s has the schema that it was published with', (version, schema) => {
  const json = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' });
  const hash = createHash('sha256').update(canonicalJson(json)).digest('hex');
  const why = `the schema of ${version} is another now: a change of shape is a new version with an upcaster, an addition a new line`;
  expect({ [version]: hash }, why).toEqual({ [version]: pinned[version] });
});

it.each(EVENT_TYPES)('%s has a schema for every version that an upcaster reads, and for the newest', (type) => {
  expect(EVENT_SCHEMA_VERSIONS[type]).toHaveLength(eventVersion(type));
});

it('pins nothing that is not there', () => {
  expect(Object.keys(pinned).toSorted()).toEqual(versions.map(([version]) => version).toSorted());
});
