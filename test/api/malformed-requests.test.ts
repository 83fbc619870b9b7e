/**
 * Property: what is no HTTP is answered with a problem document like everything else, and cut off; an answer that has begun is
 * never followed by another one, and the server goes on.
 */
import { connect } from 'node:net';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ERRORS, type ErrorCode } from '../../src/contracts/errors.ts';
import { batchAcceptedSchema, problemSchema } from '../../src/contracts/http.ts';
import { jpeg } from './support/photos.ts';
import { sendRaw } from './support/raw-request.ts';
import { answered, eventually, form, post, startApi, type RunningApi } from './support/running-api.ts';

let api: RunningApi;
beforeAll(async () => {
  api = await startApi();
});
afterAll(() => api.close());

const CASES: readonly (readonly [what: string, request: string, code: ErrorCode])[] = [
  ['a line that is no request', 'hello, are you there?\r\n\r\n', 'invalid_request'],
  ['another protocol', '\x16\x03\x01\x02\x00\x01\x00\x01', 'invalid_request'],
  ['a header without a name', 'GET / HTTP/1.1\r\nHost: localhost\r\n: x\r\n\r\n', 'invalid_request'],
  [
    'two lengths',
    'POST /api/v1/plan HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx',
    'invalid_request',
  ],
  ['an address of 100 kB', `GET /${'a'.repeat(100_000)} HTTP/1.1\r\nHost: localhost\r\n\r\n`, 'headers_too_large'],
  [
    'headers of 100 kB',
    `GET / HTTP/1.1\r\nHost: localhost\r\nX-Long: ${'a'.repeat(100_000)}\r\n\r\n`,
    'headers_too_large',
  ],
];

it.each(CASES)('%s is a problem, and the connection ends', async (_what, request, code) => {
  const answer = await sendRaw(api.port, request);
  expect(answer.status).toBe(ERRORS[code].status);
  expect(answer.headers).toMatch(/^content-type: application\/problem\+json$/im);
  expect(answer.headers).toMatch(/^connection: close$/im);
  const problem = problemSchema.parse(JSON.parse(answer.body));
  expect(problem).toMatchObject({ code, status: ERRORS[code].status });
  expect(answer.headers).toContain(`X-Trace-Id: ${problem.traceId}`);
  expect(answer.body).not.toMatch(/HPE_|Parse Error|node:/);
  expect((await fetch(`${api.url}/livez`)).status).toBe(200);
});

it('in the middle of an answer it only ends the connection', async () => {
  const accepted = await post(`${api.url}/api/v1/enhance/batch`, form('files', [await jpeg(), 'a.jpg']));
  const { batch_task_id: id } = await answered(accepted, batchAcceptedSchema);
  const socket = connect(api.port, '127.0.0.1');
  let said = '';
  socket.on('data', (chunk) => (said += chunk.toString()));
  socket.on('error', () => undefined);
  const closed = new Promise((resolve) => socket.once('close', resolve));
  socket.write(`GET /api/v1/batches/${id}/events HTTP/1.1\r\nHost: localhost\r\n\r\n`);
  await eventually(() => expect(said).toContain('event: snapshot'));
  socket.write('hello, are you there?\r\n\r\n');
  await closed;
  expect(said.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 200']);
});
