import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { z } from 'zod';
import { EVENT_SCHEMAS, EVENT_TYPES } from '../../../../shared/contract/event-schema.ts';
import { EVENT_VERSION } from '../../../../shared/core/event.ts';
import { canonicalJson } from '../../../../shared/core/text.ts';

/** type/version → SHA-256 of its JSON Schema, as it was when that version was published. A line is added, never changed. */
const pinned = JSON.parse(readFileSync(new URL('./schema-hashes.json', import.meta.url), 'utf8')) as Record<string, string>;

it.each(EVENT_TYPES)('%s has the schema that its version was published with', (type) => {
  const schema = z.toJSONSchema(EVENT_SCHEMAS[type], { io: 'input', unrepresentable: 'any' });
  const hash = createHash('sha256').update(canonicalJson(schema)).digest('hex');
  const why = `the schema of ${type} is another now: a change of shape is a new version with an upcaster, an addition a new line`;
  expect({ [`${type}/${EVENT_VERSION}`]: hash }, why).toEqual({
    [`${type}/${EVENT_VERSION}`]: pinned[`${type}/${EVENT_VERSION}`],
  });
});

it('pins nothing that is not there', () => {
  expect(Object.keys(pinned).toSorted()).toEqual(EVENT_TYPES.map((type) => `${type}/${EVENT_VERSION}`).toSorted());
});
