/**
 * Property: the description is made of the routes that are served: every route is in it, every path in it is served, and
 * what it says of a request is what the server accepts.
 */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { z } from 'zod';
import { ROUTES } from '../../src/api/routes.ts';
import { ERRORS } from '../../src/contracts/errors.ts';
import { startApi, type RunningApi } from './support/running-api.ts';

const operationSchema = z.object({
  operationId: z.string(),
  summary: z.string(),
  parameters: z.array(z.object({ name: z.string(), in: z.string(), required: z.boolean(), schema: z.looseObject({}) })),
  requestBody: z.looseObject({ content: z.record(z.string(), z.object({ schema: z.looseObject({}) })) }).optional(),
  responses: z.record(z.string(), z.looseObject({ description: z.string() })),
});
const documentSchema = z.object({
  openapi: z.literal('3.1.0'),
  info: z.looseObject({ version: z.literal('1.2.3') }),
  paths: z.record(z.string(), z.record(z.string(), operationSchema)),
  components: z.looseObject({ schemas: z.object({ Problem: z.looseObject({}) }) }),
});

let api: RunningApi;
let document: z.infer<typeof documentSchema>;
beforeAll(async () => {
  api = await startApi();
  document = documentSchema.parse(await (await fetch(`${api.url}/openapi.json`)).json());
});
afterAll(() => api.close());

it('lists every route, once, under a name of its own', () => {
  const listed = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method} ${path}`),
  );
  expect(listed.sort()).toEqual(ROUTES.map(({ method, path }) => `${method} ${path}`).sort());
  const names = Object.values(document.paths).flatMap((methods) =>
    Object.values(methods).map((one) => one.operationId),
  );
  expect(new Set(names).size).toBe(names.length);
});

it('names every parameter of every path', () => {
  for (const [path, methods] of Object.entries(document.paths)) {
    const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
    for (const { parameters } of Object.values(methods)) {
      expect(parameters.filter((parameter) => parameter.in === 'path').map(({ name }) => name)).toEqual(inPath);
    }
  }
});

it('describes texts on the wire as what they stand for', () => {
  const enhance = document.paths['/api/v1/enhance/batch']?.['post'];
  const tileSize = enhance?.parameters.find(({ name }) => name === 'tile_size');
  expect(tileSize?.schema).toMatchObject({ type: 'integer', minimum: 256, maximum: 512 });
  expect(enhance?.requestBody?.content['multipart/form-data']?.schema).toMatchObject({
    required: ['files'],
    additionalProperties: false,
    properties: {
      files: { type: 'array' },
      scale: { enum: [1, 2, 3, 4, 8] },
      quality_level: { enum: ['fast', 'medium', 'high'] },
    },
  });
  expect(JSON.stringify(document)).not.toContain('"openapi":{');
});

it('says which problems a route answers', () => {
  const download = document.paths['/api/v1/download/{task_id}']?.['get'];
  expect(Object.keys(download?.responses ?? {})).toEqual(
    expect.arrayContaining(['200', '400', '401', '404', '410', '416']),
  );
});

it('serves every path that it lists', async () => {
  for (const [path, methods] of Object.entries(document.paths)) {
    const address = `${api.url}${path.replace(/\{\w+\}/g, 'b-20261122-120934-k7m2x9qfab')}`;
    const options = await fetch(address, { method: 'OPTIONS' });
    const allowed = options.headers.get('allow')?.split(', ') ?? [];
    expect(allowed, path).toEqual(expect.arrayContaining(Object.keys(methods).map((method) => method.toUpperCase())));
  }
});

it('has a page without scripts that lists routes and errors, under the server’s own policy', async () => {
  const response = await fetch(`${api.url}/docs`);
  const page = await response.text();
  for (const { path } of ROUTES) expect(page).toContain(path);
  for (const code of Object.keys(ERRORS)) expect(page).toContain(`id="${code}"`);
  expect(page).not.toContain('<script');
  const style = /<style>([\s\S]*)<\/style>/.exec(page)?.[1] ?? '';
  const hash = Buffer.from(await crypto.subtle.digest('SHA-256', Buffer.from(style))).toString('base64');
  expect(response.headers.get('content-security-policy')).toContain(`'sha256-${hash}'`);
});
