import { z } from 'zod';
import { ERRORS, type ErrorCode } from '../../contracts/errors.ts';
import { problemSchema } from '../../contracts/http.ts';
import type { FormShape, Route } from '../route.ts';

/** OpenAPI 3.1 out of the table that the router is made of: what is documented is what validates. */

type Json = Record<string, unknown>;

/** Codes that any route may answer. */
const EVERYWHERE: readonly ErrorCode[] = ['internal', 'shutting_down', 'forbidden_origin'];

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
    parameters: [...parameters(route.params, 'path'), ...parameters(route.query, 'query')],
    ...describeBody(route),
    responses: { '200': describeAnswer(route), ...describeProblems(route) },
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

function describeBody({ body, form, query }: Route): Json {
  if (body)
    return { requestBody: { required: true, content: { 'application/json': { schema: jsonSchema(body, 'input') } } } };
  if (!form) return {};
  return { requestBody: { required: true, content: { 'multipart/form-data': { schema: formSchema(form, query) } } } };
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

const describeAnswer = ({ answer }: Route): Json =>
  typeof answer === 'string'
    ? { description: 'The file.', content: { [answer]: { schema: { type: 'string', format: 'binary' } } } }
    : { description: 'Done.', content: { 'application/json': { schema: jsonSchema(answer, 'output') } } };

function describeProblems(route: Route): Json {
  const byStatus = new Map<number, ErrorCode[]>();
  for (const code of [...route.problems, ...(route.open ? [] : (['unauthorized'] as const)), ...EVERYWHERE]) {
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
