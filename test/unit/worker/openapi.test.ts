import { Validator } from '@seriousme/openapi-schema-validator';
import { describe, expect, test } from 'vitest';
import { COMMAND_NAMES } from '../../../shared/contract/catalogue.ts';
import { ERROR_CODES, type ErrorCode } from '../../../shared/core/codes.ts';
import { openApiDocument, type OpenApiDocument } from '../../../worker/openapi/document.ts';

const document = openApiDocument('https://edge.example.com');
const operations = Object.values(document.paths).flatMap((methods) => Object.values(methods));

async function faults(changed: unknown): Promise<unknown> {
  // the validator resolves references in what it is given
  const { valid, errors } = await new Validator().validate(structuredClone(changed) as Record<string, unknown>);
  return valid ? [] : errors;
}

describe('the OpenAPI document', () => {
  test('is valid by the schema that the OpenAPI initiative publishes', async () => {
    expect(await faults(document)).toEqual([]);
  });

  test.each<[string, (it: OpenApiDocument) => unknown]>([
    ['an operation without responses', (it) => ({ ...it, paths: { '/x': { get: { operationId: 'x' } }, '/y': 1 } })],
    [
      'a parameter in no place',
      (it) => ({ ...it, paths: { '/x': { get: { parameters: [{ name: 'n', in: 'body' }], responses: {} } } } }),
    ],
    ['no info', ({ info: _, ...it }) => it],
  ])('would not be valid with %s', async (_, broken) => {
    expect(await faults(broken(document))).not.toEqual([]);
  });

  test('each refusal stands under its status, once, with its code in the schema', () => {
    for (const { operationId, responses } of operations) {
      const codes = Object.entries(responses).flatMap(([status, { content }]) => {
        const schema = content?.['application/problem+json']?.schema as {
          allOf: [object, { properties: { code: { enum: ErrorCode[] } } }];
        };
        const found = schema === undefined ? [] : schema.allOf[1].properties.code.enum;
        for (const code of found) expect(String(ERROR_CODES[code].status), `${operationId} ${code}`).toBe(status);
        return found;
      });
      expect(new Set(codes).size, operationId).toBe(codes.length);
    }
  });

  test('what needs a token says how it is refused without', () => {
    for (const { operationId, security, responses } of operations) {
      expect('401' in responses, operationId).toBe(security === undefined);
    }
    expect(operations.filter(({ security }) => security === undefined).length).toBeGreaterThan(COMMAND_NAMES.length);
  });

  test('says which user ids no path can carry', () => {
    expect(document.info.description).toContain('`.` and `..`');
    for (const id of ['.', '..'])
      expect(new URL(`https://x/v1/sessions/s/members/${id.replaceAll('.', '%2e')}`).pathname).not.toContain('%2e');
  });
});
