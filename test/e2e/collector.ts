import { createServer } from 'node:http';
import { gunzipSync } from 'node:zlib';
import protobuf from 'protobufjs';

/** As much of OpenTelemetry's protocol as spans need; fields that are not named here are passed over. */
const PROTOCOL = `
  syntax = "proto3";
  message Request { repeated ResourceSpans resource_spans = 1; }
  message ResourceSpans { Resource resource = 1; repeated ScopeSpans scope_spans = 2; }
  message Resource { repeated KeyValue attributes = 1; }
  message ScopeSpans { repeated Span spans = 2; }
  message Span {
    bytes trace_id = 1; bytes span_id = 2; bytes parent_span_id = 4; string name = 5;
    fixed64 start_time_unix_nano = 7; fixed64 end_time_unix_nano = 8;
    repeated KeyValue attributes = 9; Status status = 15;
  }
  message Status { string message = 2; int32 code = 3; }
  message KeyValue { string key = 1; AnyValue value = 2; }
  message AnyValue { oneof value { string string_value = 1; bool bool_value = 2; int64 int_value = 3; double double_value = 4; } }
`;

export interface CollectedSpan {
  readonly service: string;
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  /** Empty for the first of a trace. */
  readonly parentSpanId: string;
  readonly ms: number;
  readonly failed: boolean;
  readonly attributes: Readonly<Record<string, string>>;
}

interface KeyValue {
  key: string;
  value?: Record<string, unknown>;
}
interface SentSpan {
  name: string;
  traceId: string;
  spanId: string;
  parentSpanId: string;
  startTimeUnixNano: string;
  endTimeUnixNano: string;
  attributes: KeyValue[];
  status: { code: number } | null;
}
interface Sent {
  resourceSpans: { resource: { attributes: KeyValue[] }; scopeSpans: { spans: SentSpan[] }[] }[];
}

const request = protobuf.parse(PROTOCOL, { keepCase: false }).root.lookupType('Request');

/** A collector of traces (OTLP over HTTP) that keeps what it gets. */
export class Collector {
  readonly spans: CollectedSpan[] = [];
  readonly #server = createServer((incoming, answer) => {
    const parts: Buffer[] = [];
    incoming.on('data', (part: Buffer) => parts.push(part));
    incoming.on('end', () => {
      const sent = Buffer.concat(parts);
      const taken = incoming.method === 'POST' && incoming.url === '/v1/traces';
      if (taken) this.#take(incoming.headers['content-encoding'] === 'gzip' ? gunzipSync(sent) : sent);
      answer.writeHead(taken ? 200 : 404, { 'Content-Type': 'application/x-protobuf' }).end();
    });
  });

  /** @returns the address for `OTEL_EXPORTER_OTLP_ENDPOINT` */
  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    const address = this.#server.address();
    if (typeof address !== 'object' || address === null)
      throw new TypeError('Expected a server that listens on a port');
    return `http://127.0.0.1:${address.port}`;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #take(bytes: Buffer): void {
    const options = { longs: String, bytes: String, arrays: true, defaults: true };
    const { resourceSpans } = request.toObject(request.decode(bytes), options) as Sent;
    for (const { resource, scopeSpans } of resourceSpans) {
      const service = plain(resource.attributes)['service.name'] ?? '';
      for (const span of scopeSpans.flatMap(({ spans }) => spans)) this.spans.push(describe(span, service));
    }
  }
}

const describe = (span: SentSpan, service: string): CollectedSpan => ({
  service,
  name: span.name,
  traceId: hex(span.traceId),
  spanId: hex(span.spanId),
  parentSpanId: hex(span.parentSpanId),
  ms: Number(BigInt(span.endTimeUnixNano) - BigInt(span.startTimeUnixNano)) / 1e6,
  failed: span.status?.code === 2,
  attributes: plain(span.attributes),
});

const hex = (base64: string): string => Buffer.from(base64, 'base64').toString('hex');
const plain = (pairs: KeyValue[]): Record<string, string> =>
  Object.fromEntries(pairs.map(({ key, value }) => [key, String(Object.values(value ?? {})[0])]));
