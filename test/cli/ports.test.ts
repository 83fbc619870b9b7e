// Property: a port that a person chose is used or its owner is named; any other moves on to the next free one.
import { createServer, type Server } from 'node:net';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { choosePort } from '../../src/cli/supervisor/ports.ts';

let server: Server;
let taken: number;
const host = '127.0.0.1';

beforeEach(async () => {
  server = createServer();
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  const address = server.address();
  taken = address !== null && typeof address === 'object' ? address.port : 0;
});
afterEach(async () => await new Promise((resolve) => server.close(resolve)));

it('moves on when nobody insisted', async () => {
  const chosen = await choosePort({ setting: 'TEMPORAL_PORT', host, port: taken, fixed: false });
  expect(chosen).toBeGreaterThan(taken);
  expect(await choosePort({ setting: 'TEMPORAL_PORT', host, port: taken, fixed: false }, [chosen])).not.toBe(chosen);
});

it('names port, setting and owner when somebody insisted', async () => {
  const wanted = choosePort({ setting: 'PORT', host, port: taken, fixed: true });
  await expect(wanted).rejects.toMatchObject({ code: 'port_taken' });
  await expect(wanted).rejects.toThrow(`Port ${taken} (PORT) is in use by process ${process.pid} (`);
});

it('finds any free port for 0, of those that no outgoing connection is given', async () => {
  const chosen = await choosePort({ setting: 'PORT', host, port: 0, fixed: true });
  expect(chosen).toBeGreaterThan(1024);
  expect(chosen).toBeLessThan(32_768);
});
