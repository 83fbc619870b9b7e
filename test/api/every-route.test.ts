/**
 * Property: every route answers as the description says: asked the way it documents, with what there is, with what there is
 * not and with what it cannot read, each answer has a status that is listed, the media type and the shape of that status, and
 * headers that leave a browser nothing to guess; none holds a path or a stack.
 */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { z } from 'zod';
import { batchAcceptedSchema } from '../../src/contracts/http.ts';
import { jpeg } from './support/photos.ts';
import { answered, form, post, startApi, type RunningApi } from './support/running-api.ts';

type Json = Record<string, unknown>;
interface Operation {
  readonly operationId: string;
  readonly parameters: readonly { readonly name: string; readonly in: string }[];
  readonly requestBody?: { readonly content: Json };
  readonly responses: Readonly<
    Record<string, { readonly content?: Readonly<Record<string, { readonly schema: Json }>> }>
  >;
}
interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: { readonly Problem: Json } };
}

let api: RunningApi;
let document: Document;
let batch: string;
const answers: string[] = [];
beforeAll(async () => {
  api = await startApi();
  document = (await (await fetch(`${api.url}/openapi.json`)).json()) as Document;
  const data = form('files', [await jpeg(), 'a.jpg'], [await jpeg(9, 9), 'b.jpg']);
  const accepted = await post(`${api.url}/api/v1/enhance/batch`, data);
  batch = (await answered(accepted, batchAcceptedSchema)).batch_task_id;
  await api.service.complete(batch, 0, await jpeg(32, 24));
});
afterAll(() => api.close());

/** What a path is filled with: what there is, what there is not, what is no name. */
const FILLINGS: readonly ((name: string) => string)[] = [
  (name) => (name === 'task_id' ? `${batch}.0` : name === 'upload_id' ? 'u-none' : batch),
  () => 'b-20200101-000000-aaaaaaaaaa',
  () => '%00..%2f',
  () => '%zz',
];

async function ask(method: string, path: string, operation: Operation, fill: (name: string) => string): Promise<void> {
  const address = path.replace(/\{(\w+)\}/g, (_whole, name: string) => fill(name));
  const bodies: { body?: string; headers?: Record<string, string> }[] = [{}];
  if (operation.requestBody) {
    bodies.push(
      { body: '{', headers: { 'content-type': 'application/json' } },
      { body: '{"no":"such field"}', headers: { 'content-type': 'application/json' } },
      { body: 'x', headers: { 'content-type': 'text/plain' } },
    );
  }
  for (const init of bodies) {
    const response = await fetch(`${api.url}${address}`, { ...init, method, signal: AbortSignal.timeout(30_000) });
    const what = `${method} ${address} ${init.body ?? ''} → ${response.status}`;
    const described = operation.responses[String(response.status)];
    expect.soft(described, what).toBeDefined();
    const sent = response.headers.get('content-type')?.split(';')[0];
    // Of a stream the head is enough.
    const text = sent === 'text/event-stream' ? await firstOf(response) : await response.text();
    expect(response.headers.get('x-content-type-options'), what).toBe('nosniff');
    expect(response.headers.get('content-security-policy'), what).toContain("default-src 'none'");
    expect(response.headers.get('cross-origin-resource-policy'), what).toBe('same-origin');
    expect(response.headers.get('x-trace-id'), what).toMatch(/^[0-9a-f]{32}$/);
    if (!sent?.startsWith('image/') && sent !== 'application/zip') answers.push(`${what}\n${text}`);
    if (text === '' || method === 'HEAD' || !sent?.endsWith('json')) continue;
    const schema = described?.content?.[sent]?.schema;
    expect.soft(schema, `${what} as ${sent}`).toBeDefined();
    conforms(JSON.parse(text), schema ?? {}, what);
  }
}

async function firstOf(response: Response): Promise<string> {
  const reader = response.body?.getReader();
  const { value } = (await reader?.read()) ?? {};
  await reader?.cancel();
  return value ? Buffer.from(value).toString() : '';
}

/** The documented schema, not ours: made from the document, as a client would. */
function conforms(value: unknown, schema: Json, what: string): void {
  const whole = schema['$ref'] === undefined ? schema : document.components.schemas.Problem;
  const result = z.fromJSONSchema(whole).safeParse(value);
  expect(result.error?.issues ?? [], what).toEqual([]);
}

it('answers as the description says, whatever it is asked', async () => {
  // Those that end what the others need come last.
  const last = /cancel|tasks\/\{|rollback/;
  const paths = Object.entries(document.paths).toSorted(([a], [b]) => Number(last.test(a)) - Number(last.test(b)));
  for (const [path, methods] of paths) {
    for (const [method, operation] of Object.entries(methods)) {
      const fillings = path.includes('{') ? FILLINGS : FILLINGS.slice(0, 1);
      for (const fill of fillings) await ask(method.toUpperCase(), path, operation, fill);
    }
  }
});

it('says of a photo that is fetched from a bucket where it leads', async () => {
  const accepted = await post(`${api.url}/api/v1/enhance/batch`, form('files', [await jpeg(), 'a.jpg']));
  const id = (await answered(accepted, batchAcceptedSchema)).batch_task_id;
  await api.service.complete(id, 0, await jpeg(32, 24));
  const place = 'https://bucket.example/results/1?signature=x';
  Object.assign(api.store, { linkTo: () => Promise.resolve(place) });
  const response = await fetch(`${api.url}/api/v1/download/${id}.0`, { redirect: 'manual' });
  expect([response.status, response.headers.get('location')]).toEqual([307, place]);
  const described = document.paths['/api/v1/download/{task_id}']?.['get']?.responses['307'];
  expect(described).toMatchObject({ headers: { Location: { schema: { format: 'uri' } } } });
});

it('has no stack, no path and no name of its parts in any answer', () => {
  expect(answers.length).toBeGreaterThan(150);
  for (const answer of answers) {
    expect(answer).not.toMatch(/node_modules|\bat [\w.<>]+ \(|\.ts:\d|\.js:\d|node:internal/);
    expect(answer).not.toContain(api.root);
  }
});
