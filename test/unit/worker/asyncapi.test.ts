import { createRequire } from 'node:module';
import { Ajv } from 'ajv';
import formats from 'ajv-formats';
import { describe, expect, it } from 'vitest';
import { COMMAND_NAMES } from '../../../shared/contract/catalogue.ts';
import { EVENT_TYPES } from '../../../shared/contract/event-schema.ts';
import { asyncApiDocument } from '../../../worker/openapi/asyncapi.ts';

const load = createRequire(import.meta.url);
const official: object = load('@asyncapi/specs/schemas/3.0.0-without-$id.json') as object;
const document = asyncApiDocument('https://edge.example');

/** A validator of AsyncAPI's own schemas and of the payloads in the document: both are draft 7. */
function validator(): Ajv {
  const ajv = new Ajv({ strict: false, allErrors: true, validateFormats: true });
  formats.default(ajv);
  return ajv;
}

function payload(message: string): object {
  const found = document.components.messages[message];
  if (found === undefined) throw new Error(`no message ${message}`);
  return found.payload;
}

function accepts(message: string, value: unknown): boolean {
  return validator().compile(payload(message))(value);
}

describe('the AsyncAPI document', () => {
  it('is valid by the schema that the AsyncAPI initiative publishes', () => {
    const validate = validator().compile(official);
    validate(document);
    expect(validate.errors ?? []).toEqual([]);
  });

  it('would not be valid with a channel that points nowhere', () => {
    const validate = validator().compile(official);
    const broken = { ...document, operations: { wrong: { action: 'shout', channel: { $ref: '#/channels/session' } } } };
    expect(validate(broken)).toBe(false);
  });

  it('resolves every reference within itself', () => {
    const refs = [...JSON.stringify(document).matchAll(/"\$ref":"(#[^"]*)"/g)].map(([, ref = '']) => ref);
    for (const ref of refs) {
      // a payload's own definitions are resolved from its own root
      if (ref.startsWith('#/definitions/')) continue;
      const steps = ref.slice(2).split('/');
      const target = steps.reduce<unknown>((at, step) => (at as Record<string, unknown> | undefined)?.[step], document);
      expect(target, ref).toBeDefined();
    }
    for (const { payload: schema } of Object.values(document.components.messages)) validator().compile(schema);
  });

  it.each(COMMAND_NAMES)('has %s on the socket and on NATS, with the same data', (name) => {
    const frame = payload(`frame.command.${name}`) as { properties: { data: object } };
    const message = payload(`command.${name}`) as { properties: { data: object } };
    expect(message.properties.data).toEqual(frame.properties.data);
  });

  it.each(EVENT_TYPES)('has %s in the stream', (type) => {
    expect(document.channels['events']?.messages[`event.${type}`]).toBeDefined();
  });

  it('tells frames apart', () => {
    const read = {
      type: 'signal',
      name: 'read',
      user: { id: 'bob', kind: 'user' },
      data: { seq: 3 },
      at: '2026-01-02T03:04:05.678Z',
    };
    expect(accepts('signal.read', read)).toBe(true);
    expect(accepts('signal.read', { ...read, data: { seq: -1 } })).toBe(false);
    expect(accepts('signal.typing', read)).toBe(false);
    expect(accepts('frame.client.received', { type: 'received', seq: 7 })).toBe(true);
    expect(accepts('frame.client.received', { type: 'received' })).toBe(false);
    expect(accepts('frame.command.read.advance', { type: 'command', id: '1', command: 'read.advance', data: { seq: 1 } })).toBe(
      true,
    );
    expect(accepts('frame.command.read.advance', { type: 'command', id: '1', command: 'read.advance', data: {} })).toBe(false);
  });

  it('is served where the server is', () => {
    expect(asyncApiDocument('http://localhost:8787').servers['edge']).toEqual({ host: 'localhost:8787', protocol: 'ws' });
    expect(document.servers['edge']).toEqual({ host: 'edge.example', protocol: 'wss' });
  });
});
