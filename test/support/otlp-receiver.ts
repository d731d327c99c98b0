import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { z } from 'zod';

/** A span as it arrived, attributes by name. */
export interface ReceivedSpan {
  traceId: string;
  spanId: string;
  parentSpanId: string;
  name: string;
  kind: number;
  startMs: number;
  endMs: number;
  service: string;
  isError: boolean;
  attributes: Readonly<Record<string, string | number | boolean>>;
  links: readonly { traceId: string; spanId: string }[];
}

const value = z.looseObject({
  stringValue: z.string().optional(),
  boolValue: z.boolean().optional(),
  intValue: z.union([z.string(), z.number()]).optional(),
  doubleValue: z.number().optional(),
});
const attributes = z.array(z.object({ key: z.string(), value })).optional();
const span = z.looseObject({
  traceId: z.string().regex(/^[0-9a-f]{32}$/),
  spanId: z.string().regex(/^[0-9a-f]{16}$/),
  parentSpanId: z.string().optional(),
  name: z.string(),
  kind: z.number(),
  startTimeUnixNano: z.union([z.string(), z.number()]),
  endTimeUnixNano: z.union([z.string(), z.number()]),
  attributes,
  status: z.looseObject({ code: z.number().optional() }).optional(),
  links: z.array(z.looseObject({ traceId: z.string(), spanId: z.string() })).optional(),
});
/** OTLP/HTTP with JSON, as far as traces go (opentelemetry-proto, ExportTraceServiceRequest) */
const request = z.looseObject({
  resourceSpans: z.array(
    z.looseObject({
      resource: z.looseObject({ attributes }),
      scopeSpans: z.array(z.looseObject({ spans: z.array(span) })),
    }),
  ),
});

/** A collector of traces of the test's own: takes OTLP over HTTP as JSON, and keeps all. */
export class OtlpReceiver {
  readonly spans: ReceivedSpan[] = [];
  /** bodies as they came: what must not be in them is looked for here */
  readonly bodies: string[] = [];
  readonly headers: Record<string, string | string[] | undefined>[] = [];
  /** what it answers instead of 200; `hang`: nothing */
  fault: number | 'hang' | undefined;
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  static async start(): Promise<OtlpReceiver> {
    const server = createServer();
    const receiver = new OtlpReceiver(server);
    server.on('request', (incoming, answer) => {
      const chunks: Buffer[] = [];
      incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
      incoming.on('end', () => {
        receiver.headers.push(incoming.headers);
        receiver.bodies.push(Buffer.concat(chunks).toString('utf8'));
        if (receiver.fault === 'hang') return;
        if (receiver.fault === undefined && incoming.url === '/v1/traces') receiver.#take(receiver.bodies.at(-1) ?? '');
        answer.writeHead(receiver.fault ?? 200, { 'Content-Type': 'application/json' }).end('{}');
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return receiver;
  }

  get url(): string {
    const { port } = this.#server.address() as AddressInfo;
    return `http://127.0.0.1:${port}`;
  }

  trace(traceId: string): ReceivedSpan[] {
    return this.spans.filter((each) => each.traceId === traceId);
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #take(body: string): void {
    for (const { resource, scopeSpans } of request.parse(JSON.parse(body)).resourceSpans) {
      const service = String(byName(resource.attributes)['service.name']);
      for (const each of scopeSpans.flatMap(({ spans }) => spans)) {
        this.spans.push({
          traceId: each.traceId,
          spanId: each.spanId,
          parentSpanId: each.parentSpanId ?? '',
          name: each.name,
          kind: each.kind,
          startMs: Number(each.startTimeUnixNano) / 1e6,
          endMs: Number(each.endTimeUnixNano) / 1e6,
          service,
          isError: each.status?.code === 2,
          attributes: byName(each.attributes),
          links: each.links ?? [],
        });
      }
    }
  }
}

function byName(list: z.infer<typeof attributes>): ReceivedSpan['attributes'] {
  const found: Record<string, string | number | boolean> = {};
  for (const { key, value: given } of list ?? []) {
    const { stringValue, boolValue, intValue, doubleValue } = given;
    found[key] = stringValue ?? boolValue ?? doubleValue ?? Number(intValue);
  }
  return found;
}
