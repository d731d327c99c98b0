import { Ajv2020 } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';
import type { OpenApiDocument, OperationObject } from '../../worker/openapi/document.ts';

export interface Exchange {
  method: string;
  /** as it was sent, without the query */
  path: string;
  status: number;
  /** without its parameters */
  contentType: string;
  body: unknown;
}

type Schema = Record<string, unknown>;

/** Compares what was answered with what the document says of that operation and status. */
export class OpenApiChecker {
  readonly #document: OpenApiDocument;
  readonly #ajv: Ajv2020;
  /** operation ids with the statuses that were met */
  readonly seen = new Map<string, Set<number>>();

  constructor(document: OpenApiDocument) {
    this.#document = document;
    this.#ajv = new Ajv2020({ strict: false, allErrors: true });
    formats.default(this.#ajv);
    // what is not described is a fault too: the named schemas take no other members here
    for (const [name, schema] of Object.entries(document.components.schemas)) {
      this.#ajv.addSchema(closed(schema as Schema) as Schema, `#/components/schemas/${name}`);
    }
  }

  /** What is wrong with the exchange; empty when nothing is. */
  faults(exchange: Exchange): string[] {
    const operation = this.#find(exchange);
    if (operation === undefined) return [`${exchange.method} ${exchange.path}: not described`];
    const statuses = this.seen.get(operation.operationId) ?? new Set();
    this.seen.set(operation.operationId, statuses.add(exchange.status));
    const name = `${operation.operationId} ${exchange.status}`;
    const response = operation.responses[String(exchange.status)];
    if (response === undefined) return [`${name}: this status is not described`];
    const media = response.content?.[exchange.contentType];
    if (media === undefined) return response.content === undefined ? [] : [`${name}: ${exchange.contentType} is not described`];
    const validate = this.#ajv.compile(media.schema);
    if (validate(exchange.body)) return [];
    return (validate.errors ?? []).map(
      (error) => `${name}: ${error.instancePath} ${error.message} ${JSON.stringify(error.params)}`,
    );
  }

  #find({ method, path }: Exchange): OperationObject | undefined {
    const segments = path.split('/');
    const matches = Object.entries(this.#document.paths).filter(([template, methods]) => {
      const names = template.split('/');
      const fits = names.length === segments.length && names.every((each, i) => each.startsWith('{') || each === segments[i]);
      return fits && method.toLowerCase() in methods;
    });
    return matches[0]?.[1][method.toLowerCase()];
  }
}

function closed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(closed);
  if (typeof value !== 'object' || value === null) return value;
  const copy = Object.fromEntries(Object.entries(value).map(([key, each]) => [key, closed(each)]));
  const isObject = typeof copy['properties'] === 'object' && copy['type'] === 'object';
  return isObject && copy['additionalProperties'] === undefined ? { ...copy, additionalProperties: false } : copy;
}
