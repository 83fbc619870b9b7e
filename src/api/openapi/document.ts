import { z } from 'zod';
import { ERRORS, type ErrorCode } from '../../contracts/errors.ts';
import { problemSchema } from '../../contracts/http.ts';
import type { FormShape, Route } from '../route.ts';
import { protocolAnswers, protocolHeaders } from './protocol.ts';

/** OpenAPI 3.1 out of the table that the router is made of: what is documented is what validates. */

type Json = Record<string, unknown>;

/** Codes that any route may answer; the last two are those of requests that no route ever sees. */
const EVERYWHERE: readonly ErrorCode[] = [
  'internal',
  'shutting_down',
  'forbidden_origin',
  'invalid_request',
  'request_timeout',
  'headers_too_large',
];

export function describeApi(routes: readonly Route[], version: string): Json {
  const paths: Record<string, Json> = {};
  for (const route of routes) (paths[route.path] ??= {})[route.method] = describeOperation(route);
  return {
    openapi: '3.1.0',
    info: {
      title: 'Darkroom',
      version,
      description: 'Durable photo enhancement on Temporal.',
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [{ url: '/' }],
    paths,
    components: {
      schemas: { Problem: jsonSchema(problemSchema, 'output') },
      securitySchemes: {
        bearer: { type: 'http', scheme: 'bearer' },
        key: { type: 'apiKey', in: 'header', name: 'X-API-Key' },
      },
    },
    security: [{}, { bearer: [] }, { key: [] }],
  };
}

function describeOperation(route: Route): Json {
  return {
    operationId: operationId(route),
    summary: route.summary,
    tags: [route.tag],
    ...(route.open ? { security: [{}] } : {}),
    parameters: [
      ...parameters(route.params, 'path'),
      ...parameters(route.query, 'query'),
      ...headers(route),
      ...protocolHeaders(route),
    ],
    ...describeBody(route),
    responses: { ...describeAnswer(route), ...describeProblems(route) },
  };
}

const operationId = ({ method, path }: Route): string =>
  `${method}${path.replace(/[{}]/g, '').replace(/(?:^|[/_-]+)(\w)/g, (_match, letter: string) => letter.toUpperCase())}`;

function parameters(schema: z.ZodType | undefined, place: 'path' | 'query'): Json[] {
  if (!schema) return [];
  const { properties, required } = jsonSchema(schema, 'input') as { properties?: Json; required?: string[] };
  return Object.entries(properties ?? {}).map(([name, property]) => ({
    name,
    in: place,
    required: place === 'path' || (required ?? []).includes(name),
    schema: property,
  }));
}

const headers = ({ wire }: Route): Json[] =>
  Object.entries(wire?.headers ?? {}).map(([name, description]) => ({
    name,
    in: 'header',
    required: false,
    description,
    schema: { type: 'string' },
  }));

function describeBody({ body, form, query, wire }: Route): Json {
  const content = {
    ...(body ? { 'application/json': { schema: jsonSchema(body, 'input') } } : {}),
    ...(form ? { 'multipart/form-data': { schema: formSchema(form, query) } } : {}),
    ...(wire?.sends === undefined ? {} : { [wire.sends]: { schema: { type: 'string', format: 'binary' } } }),
  };
  if (Object.keys(content).length === 0) return {};
  return { requestBody: { required: wire === undefined, content } };
}

/** Settings of the query string may come as form fields as well. */
function formSchema({ field, many }: FormShape, query: z.ZodType | undefined): Json {
  const file = { type: 'string', format: 'binary' };
  const { properties } = query ? (jsonSchema(query, 'input') as { properties?: Json }) : {};
  return {
    type: 'object',
    properties: { [field]: many ? { type: 'array', items: file, minItems: 1 } : file, ...properties },
    required: [field],
    additionalProperties: false,
  };
}

function describeAnswer(route: Route): Json {
  const { answer, wire, events, redirects } = route;
  if (wire) return { [wire.status]: { description: wire.means } };
  if (events) return describeEvents(events);
  if (typeof answer !== 'string') {
    const { headers, answers } = protocolAnswers(route);
    const content = { 'application/json': { schema: jsonSchema(answer, 'output') } };
    return { 200: { description: 'Done.', headers, content }, ...answers };
  }
  const content = { [answer]: { schema: { type: 'string', format: 'binary' } } };
  return {
    200: { description: 'The file.', content },
    206: { description: 'The part of it that Range asked for.', content },
    304: { description: 'The client has it already.' },
    ...(redirects === undefined ? {} : { 307: { description: redirects, headers: { Location: LOCATION } } }),
  };
}

const LOCATION = { description: 'Where it is, for a while.', schema: { type: 'string', format: 'uri' } };

/** OpenAPI 3.1 describes a stream by each of its events; their data, JSON in a text, is listed beside it. */
const describeEvents = (events: NonNullable<Route['events']>): Json => ({
  200: {
    description: 'Events until the batch ends.',
    content: { 'text/event-stream': { schema: eventSchema(Object.keys(events)) } },
    'x-events': Object.fromEntries(Object.entries(events).map(([name, data]) => [name, jsonSchema(data, 'output')])),
  },
  204: { description: 'The client was told the end before: it need not come back.' },
});

const eventSchema = (names: readonly string[]): Json => ({
  type: 'object',
  properties: {
    event: { type: 'string', enum: names },
    id: { type: 'string', description: 'For Last-Event-ID.' },
    data: { type: 'string', contentMediaType: 'application/json' },
    retry: { type: 'integer', description: 'Milliseconds after which to come back.' },
  },
  required: ['event', 'data'],
});

function describeProblems(route: Route): Json {
  const byStatus = new Map<number, ErrorCode[]>();
  const reading = route.body ? (['unsupported_media_type', 'body_too_large'] as const) : [];
  const codes = [
    ...route.problems,
    ...reading,
    ...(route.open ? [] : (['unauthorized', 'forbidden_scope', 'rate_limited'] as const)),
    ...EVERYWHERE,
  ];
  for (const code of new Set<ErrorCode>(codes)) {
    const { status } = ERRORS[code];
    byStatus.set(status, [...(byStatus.get(status) ?? []), code]);
  }
  const content = { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } };
  return Object.fromEntries(
    [...byStatus].map(([status, codes]) => [status, { description: `One of: ${codes.join(', ')}.`, content }]),
  );
}

/** Values that are texts on the wire say in their metadata how they look from outside. */
function jsonSchema(schema: z.ZodType, io: 'input' | 'output'): Json {
  const { $schema: _dialect, ...rest } = z.toJSONSchema(schema, {
    io,
    override: ({ jsonSchema: written }) => {
      const outside: unknown = written['openapi'];
      if (typeof outside !== 'object' || outside === null) return;
      for (const key of Object.keys(written)) delete written[key];
      Object.assign(written, outside);
    },
  });
  return rest;
}
