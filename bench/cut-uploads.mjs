/**
 * What clients cost that cut their uploads: forms and resumable uploads, sent to the API process and broken off half-way.
 * Prints file descriptors, memory and disk of the process before, between and after.
 *
 *     node bench/cut-uploads.mjs [--cuts 200] [--at-once 20] [--bytes 4000000]
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile, rm, stat, mkdtemp } from 'node:fs/promises';
import { connect } from 'node:net';
import { availableParallelism, cpus, homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { startServer } from './temporal-server.mjs';

const { values: wanted } = parseArgs({
  options: {
    cuts: { type: 'string', default: '200' },
    'at-once': { type: 'string', default: '20' },
    bytes: { type: 'string', default: '4000000' },
  },
});
const [cuts, atOnce, size] = [Number(wanted.cuts), Number(wanted['at-once']), Number(wanted.bytes)];
const cacheDir = process.env.CACHE_DIR || join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'darkroom');
const directory = await mkdtemp(join(tmpdir(), 'darkroom-bench-'));
const temporal = await startServer(cacheDir, directory);
const dataDir = join(directory, 'data');
const api = fork(fileURLToPath(new URL('../dist/api/main.js', import.meta.url)), {
  env: { ...process.env, PORT: '0', DATA_DIR: dataDir, TEMPORAL_ADDRESS: temporal.address, LOG_LEVEL: 'silent' },
  stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
});
const [{ url }] = await once(api, 'message');
const port = Number(new URL(url).port);

async function diskBytes() {
  let bytes = 0;
  for (const entry of await readdir(dataDir, { recursive: true, withFileTypes: true })) {
    // What is removed meanwhile takes no room any more.
    const found = entry.isFile() ? await stat(join(entry.parentPath, entry.name)).catch(() => undefined) : undefined;
    bytes += found?.size ?? 0;
  }
  return bytes;
}

async function measure(what) {
  const status = await readFile(`/proc/${api.pid}/status`, 'utf8');
  const rss = Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024;
  const handles = (await readdir(`/proc/${api.pid}/fd`)).length;
  const disk = (await diskBytes()) / 1e6;
  console.log(
    `${what.padEnd(44)} ${String(handles).padStart(5)} fds ${rss.toFixed(0).padStart(5)} MB rss ${disk.toFixed(1).padStart(7)} MB disk`,
  );
}

/** Connections are gone and what they brought is removed. */
async function settle() {
  for (let quiet = 0, last = -1; quiet < 4;) {
    await sleep(250);
    const now = (await readdir(`/proc/${api.pid}/fd`)).length + (await diskBytes());
    quiet = now === last ? quiet + 1 : 0;
    last = now;
  }
}

/** Sends a head and half of what it announced, then cuts the connection. */
async function cut(head, bytes) {
  const socket = connect(port, '127.0.0.1').on('error', () => undefined);
  socket.write(head);
  await new Promise((resolve) => socket.write(Buffer.alloc(Math.floor(bytes / 2), 0x41), resolve));
  await sleep(20);
  socket.destroy();
}

const headOf = (method, path, length, more) =>
  [`${method} ${path} HTTP/1.1`, 'Host: 127.0.0.1', `Content-Length: ${length}`, ...more, '', ''].join('\r\n');

const form = () =>
  cut(
    `${headOf('POST', '/api/v1/enhance/batch', size, ['Content-Type: multipart/form-data; boundary=B'])}--B\r\n` +
      'Content-Disposition: form-data; name="files"; filename="a.jpg"\r\nContent-Type: image/jpeg\r\n\r\n',
    size,
  );

const TUS = { 'Tus-Resumable': '1.0.0' };
const createUpload = async () =>
  (
    await fetch(`${url}/api/v1/uploads`, { method: 'POST', headers: { ...TUS, 'Upload-Length': String(size) } })
  ).headers.get('location');

async function resumable(address) {
  const head = await fetch(`${url}${address}`, { method: 'HEAD', headers: TUS });
  const offset = Number(head.headers.get('upload-offset'));
  const type = 'Content-Type: application/offset+octet-stream';
  const more = ['Tus-Resumable: 1.0.0', `Upload-Offset: ${offset}`, type];
  await cut(headOf('PATCH', address, size - offset, more), size - offset);
}

async function inGroups(work) {
  for (let done = 0; done < cuts; done += atOnce) {
    await Promise.all(Array.from({ length: Math.min(atOnce, cuts - done) }, (_, place) => work(place)));
  }
  await settle();
}

try {
  const now = new Date().toISOString().slice(0, 10);
  console.log(`${now}, ${cpus()[0]?.model}, ${availableParallelism()} cores, Node ${process.version}`);
  await inGroups(form);
  await measure(`after ${cuts} cut forms, to warm up`);
  for (const round of [1, 2]) {
    await inGroups(form);
    await measure(`${round}: after ${cuts} cut forms of ${size} bytes`);
  }
  const uploads = await Promise.all(Array.from({ length: atOnce }, createUpload));
  await measure(`${atOnce} resumable uploads begun`);
  for (const round of [1, 2]) {
    await inGroups((place) => resumable(uploads[place]));
    await measure(`${round}: after ${cuts} cuts of them`);
  }
  for (const address of uploads) await fetch(`${url}${address}`, { method: 'DELETE', headers: TUS });
  await settle();
  await measure('removed');
} finally {
  api.kill('SIGTERM');
  await once(api, 'exit');
  await temporal.stop();
  await rm(directory, { recursive: true, force: true });
}
