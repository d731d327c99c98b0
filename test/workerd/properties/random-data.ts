import * as fc from 'fast-check';
import { COMMAND_NAMES } from '../../../shared/contract/catalogue.ts';

/** Data as a careless, broken or hostile client might send it: near the schemas often enough that some of it is accepted. */

const FIELDS = [
  'text',
  'id',
  'parentId',
  'role',
  'name',
  'toolCallId',
  'mentions',
  'metadata',
  'createdAt',
  'title',
  'description',
];
const MORE_FIELDS = ['visibility', 'members', 'messageId', 'userId', '__proto__', 'constructor', 'toString', 'seq', ''];
const WORDS = [
  'm-alice',
  'm-bob',
  'm-gone',
  'bob',
  'eve',
  'user',
  'assistant',
  'member',
  'public',
  '2026-01-01T00:00:00Z',
  ' ',
  '\u0000',
];

const scalar = fc.oneof(
  fc.constantFrom(...WORDS),
  fc.string({ unit: 'binary', maxLength: 12 }),
  fc.string({ unit: 'grapheme', maxLength: 12 }),
  fc.constantFrom('\ud800', 'x\udc00', 'x'.repeat(300)),
  fc.integer(),
  fc.double(),
  fc.boolean(),
  fc.constant(null),
);
const value = fc.oneof(
  { weight: 6, arbitrary: scalar },
  { weight: 1, arbitrary: fc.array(scalar, { maxLength: 4 }) },
  { weight: 1, arbitrary: fc.dictionary(fc.string({ maxLength: 6 }), scalar, { maxKeys: 4 }) },
  { weight: 1, arbitrary: fc.jsonValue({ maxDepth: 6 }) },
);
const key = fc.oneof(
  { weight: 8, arbitrary: fc.constantFrom(...FIELDS, ...MORE_FIELDS) },
  { weight: 1, arbitrary: fc.string({ maxLength: 8 }) },
);

/** An object with known and unknown fields, with values of any kind. */
export const data = fc.dictionary(key, value, { maxKeys: 4 });

/** Sound but for what it is about, so that the state is reached. */
const plausible = fc.oneof(
  fc.record({ text: fc.oneof(fc.string({ maxLength: 20 }), scalar) }),
  fc.record({ title: fc.oneof(fc.string({ maxLength: 20 }), scalar) }),
  fc.record({ messageId: scalar, text: scalar }),
  fc.record({ userId: scalar, role: scalar }),
  fc.record({ messageId: scalar, index: scalar, text: scalar }),
  fc.record({ messageId: scalar, status: fc.constantFrom('completed', 'failed'), text: scalar }),
);

export const commandData = fc.oneof(
  { weight: 3, arbitrary: data },
  { weight: 3, arbitrary: plausible },
  { weight: 1, arbitrary: value },
);

/** What deletes or archives ends the state that the others need: those have tests of their own. */
export const command = fc.constantFrom(...COMMAND_NAMES.filter((name) => !['session.delete', 'session.archive'].includes(name)));

export const PATHS = [
  ['POST', '/messages'],
  ['PATCH', ''],
  ['PATCH', '/messages/m-alice'],
  ['DELETE', '/messages/none'],
  ['PUT', '/members/eve'],
  ['DELETE', '/members/none'],
  ['POST', '/restore'],
  ['POST', '/streams'],
  ['POST', '/streams/bob/chunks'],
  ['POST', '/streams/bob/cancel'],
  ['POST', '/tickets'],
] as const;

/** The text of a body or frame: JSON, or JSON that something happened to. */
export const mangled = (source: fc.Arbitrary<unknown>): fc.Arbitrary<string> =>
  fc
    .tuple(source, fc.nat(), fc.string({ unit: 'binary', maxLength: 3 }), fc.integer({ min: 0, max: 9 }))
    .map(([what, at, noise, dice]) => {
      const text = JSON.stringify(what) ?? '';
      if (dice > 2) return text;
      const place = text.length === 0 ? 0 : at % text.length;
      if (dice === 0) return text.slice(0, place);
      return text.slice(0, place) + noise + text.slice(place + dice - 1);
    });
