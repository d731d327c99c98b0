import { Ajv } from 'ajv';
import addFormats from 'ajv-formats';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { ensureComposeSchema } from '../../scripts/launch/compose-schema.mjs';
import { readText } from '../support/deploy-files.ts';
import { requireOrSkip } from '../support/requirement.ts';

/** The compose file has the form that Compose asks for. No engine has started it. */

let schema: Record<string, unknown> = {};
const missing = await ensureComposeSchema().then(
  (found) => {
    schema = found;
    return undefined;
  },
  (error: unknown) => String(error),
);

requireOrSkip('the schema of Compose', missing)('deploy/docker/compose.yml', () => {
  test('is as the specification of Compose says, and a mistake would be seen', () => {
    const { $schema: _, ...rest } = schema;
    const ajv = new Ajv({ strict: false, allErrors: true });
    addFormats.default(ajv);
    // a format that is Compose's own
    ajv.addFormat('subnet_ip_address', true);
    const validate = ajv.compile(rest);
    const file = parse(readText('deploy/docker/compose.yml'), { merge: true }) as { services: Record<string, object> };
    expect(validate(file), JSON.stringify(validate.errors)).toBe(true);
    expect(validate({ ...file, services: { ...file.services, nats: { image: 'nats', restarts: 'always' } } })).toBe(false);
  });
});
