/**
 * Property: one connection costs the server little, whatever is sent over it: requests that are piled up without reading their
 * answers cut it off, and so does an answer that nobody takes. Handlers may take their time, and all of them are told when the
 * client has gone.
 */
import type { RequestListener } from 'node:http';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { listen, type ListeningServer } from '../../src/api/server.ts';
import { parseConfig } from '../../src/contracts/config.ts';
import { eventually, startApi } from './support/running-api.ts';

const IDLE_MS = 400;
const patience = { DOWNLOAD_IDLE_TIMEOUT_MS: String(IDLE_MS), EVENT_HEARTBEAT_MS: '100', PORT: '0' };

const ask = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`;

async function open(port: number): Promise<{ socket: Socket; closed: () => boolean }> {
  const socket = connect(port, '127.0.0.1').pause();
  let closed = false;
  socket.on('error', () => undefined);
  socket.once('close', () => (closed = true));
  await new Promise<void>((resolve) => socket.once('connect', resolve));
  return { socket, closed: () => closed };
}

const portOf = ({ url }: ListeningServer): number => Number(new URL(url).port);

const start = (app: RequestListener): Promise<ListeningServer> => listen(app, parseConfig(patience));

it('cuts a connection off that piles up requests, before they are answered', async () => {
  const api = await startApi();
  const { socket, closed } = await open(api.port);
  socket.write(ask('/openapi.json').repeat(1600));
  await sleep(300);
  socket.resume();
  await eventually(() => expect(closed()).toBe(true));
  const served = api.logged().filter(({ msg }) => msg === 'request');
  expect(served.length).toBeLessThanOrEqual(16);
  expect((await fetch(`${api.url}/openapi.json`)).status).toBe(200);
  await api.close();
});

it('answers a few requests that were sent at once, in their order', async () => {
  const server = await start((request, response) => void response.end(`<${request.url}>`));
  const { socket } = await open(portOf(server));
  let told = '';
  socket.on('data', (chunk) => (told += chunk.toString())).resume();
  for (let round = 0; round < 3; round++) {
    socket.write(Array.from({ length: 16 }, (_, index) => ask(`/${round}-${index}`)).join(''));
    await eventually(() => expect(told.match(/<[^>]+>/g)).toHaveLength(16 * (round + 1)));
  }
  const expected = [0, 1, 2].flatMap((round) => Array.from({ length: 16 }, (_, index) => `</${round}-${index}>`));
  expect(told.match(/<[^>]+>/g)).toEqual(expected);
  socket.destroy();
  await server.close();
});

it('cuts a connection off whose client takes nothing of its answer, and no other', async () => {
  const large = Buffer.alloc(64 * 1024 * 1024);
  const server = await start((request, response) => {
    if (request.url === '/large') response.end(large);
    else setTimeout(() => response.end('late'), 3 * IDLE_MS);
  });
  const { socket, closed } = await open(portOf(server));
  socket.write(ask('/large'));
  const late = await fetch(`${server.url}/late`);
  expect(await late.text()).toBe('late');
  await sleep(3 * IDLE_MS);
  let taken = 0;
  socket.on('data', (chunk) => (taken += chunk.length)).resume();
  await eventually(() => expect(closed()).toBe(true));
  expect(taken).toBeLessThan(large.length);
  await server.close();
});

it('tells the handlers of all requests of a connection that it has closed', async () => {
  const told: string[] = [];
  const begun: string[] = [];
  const server = await start((request, response) => {
    begun.push(request.url ?? '');
    response.once('close', () => told.push(request.url ?? ''));
  });
  const { socket } = await open(portOf(server));
  socket.write(ask('/first') + ask('/second') + ask('/third'));
  await eventually(() => expect(begun).toHaveLength(3));
  await sleep(50);
  expect(told).toEqual([]);
  socket.destroy();
  await eventually(() => expect(told.toSorted()).toEqual(['/first', '/second', '/third']));
  await server.close();
});
