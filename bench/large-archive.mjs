/**
 * A ZIP of twenty gigabytes through the real HTTP server, from results that take no room on the disk (files of zeros), and
 * the memory of the process that sends it; then once more, cut at half and taken up from there: the bytes must be the same.
 *
 *     node bench/large-archive.mjs [--files 320] [--megabytes 64]
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, truncate } from 'node:fs/promises';
import { get } from 'node:http';
import { availableParallelism, cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { crc32 } from 'node:zlib';
import { makeBatchId } from '../dist/contracts/ids.js';
import { optionsFrom } from '../dist/contracts/option-fields.js';
import { FileStore } from '../dist/storage/file-store.js';
import { Journal } from '../dist/storage/journal.js';
import { resultKey } from '../dist/storage/keys.js';

const { values: wanted } = parseArgs({
  options: { files: { type: 'string', default: '320' }, megabytes: { type: 'string', default: '64' } },
});
const [files, fileBytes] = [Number(wanted.files), Number(wanted.megabytes) * 2 ** 20];
const directory = await mkdtemp(join(tmpdir(), 'darkroom-bench-'));
const batchId = makeBatchId(new Date(), randomBytes(10));

async function fill() {
  const store = await FileStore.open(join(directory, 'store'), randomUUID);
  const journal = new Journal(store);
  const photos = Array.from({ length: files }, (_, index) => ({
    index,
    name: `photo ${index}.jpg`,
    bytes: 1000,
    original: { kind: 'upload', key: `uploads/${index}` },
    kilopixels: 100,
  }));
  const header = {
    batchId,
    kind: 'batch',
    tenant: 'local',
    createdAt: Date.now(),
    total: files,
    kilopixels: files * 100,
    options: optionsFrom({}, { quality: 'fast', tileSize: 400 }),
    destination: { kind: 'store' },
    open: false,
    maxWorkers: 4,
    priority: 3,
    rollbackEnabled: true,
    checkpointEnabled: true,
  };
  await journal.createBatch(header, photos);
  let checksum = 0;
  for (let done = 0; done < fileBytes; done += 2 ** 20) checksum = crc32(Buffer.alloc(2 ** 20), checksum);
  for (const { index } of photos) {
    const key = resultKey(batchId, index, 0, 'sparse', '.jpg');
    await store.write(key, new Uint8Array());
    await truncate(join(directory, 'store', key), fileBytes);
    await journal.record(batchId, outcomeOf(index, { key, bytes: fileBytes, crc32: checksum }));
  }
}

const outcomeOf = (index, result) => ({
  status: 'completed',
  index,
  epoch: 0,
  attempts: 1,
  startedAt: 1,
  finishedAt: 2,
  timings: { decodeMs: 1, networkMs: 1, encodeMs: 1, totalMs: 3 },
  original: { width: 10, height: 10, format: 'jpeg' },
  tiles: 1,
  result: { ...result, sha256: 'ab', contentType: 'image/jpeg', extension: '.jpg', width: 40, height: 40 },
  recipe: {
    quality: 'fast',
    model: 'realesr-general-x4v3',
    weights: 'ab',
    tileSize: 400,
    overlap: 34,
    scale: 4,
    device: 'cpu',
  },
  warnings: [],
});

async function rssOf(pid) {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024;
}

await fill();
const api = fork(fileURLToPath(new URL('../dist/api/main.js', import.meta.url)), {
  // Nobody listens there: an archive comes from the journal alone.
  env: { ...process.env, PORT: '0', DATA_DIR: directory, TEMPORAL_ADDRESS: '127.0.0.1:9', LOG_LEVEL: 'silent' },
  stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
});

/** Takes an answer's body up to `end` bytes, then hangs up. */
async function take(response, end, { hash, each }) {
  let taken = 0;
  for await (const chunk of response) {
    const wanted = chunk.subarray(0, end - taken);
    hash.update(wanted);
    taken += wanted.length;
    await each?.(taken);
    if (taken >= end) break;
  }
  return taken;
}

try {
  const [{ url }] = await once(api, 'message');
  const download = (headers = {}) =>
    new Promise((resolve, reject) =>
      get(`${url}/api/v1/batch/download/${batchId}`, { headers }, resolve).on('error', reject),
    );
  const response = await download();
  const announced = Number(response.headers['content-length']);
  const before = await rssOf(api.pid);
  let most = before;
  let tenths = 0;
  const watch = async (taken) => {
    if (taken < ((tenths + 1) * announced) / 10) return;
    tenths += 1;
    most = Math.max(most, await rssOf(api.pid));
  };
  const startedAt = performance.now();
  const whole = createHash('sha256');
  const taken = await take(response, announced, { hash: whole, each: watch });
  const seconds = (performance.now() - startedAt) / 1000;
  console.log(
    `${new Date().toISOString().slice(0, 10)}, ${cpus()[0]?.model}, ${availableParallelism()} cores, Node ${process.version}`,
  );
  console.log(
    `status ${response.statusCode}, ${taken} of ${announced} bytes in ${seconds.toFixed(1)} s, ${(taken / 1e6 / seconds).toFixed(0)} MB/s`,
  );

  const half = Math.floor(announced / 2);
  const pieces = createHash('sha256');
  tenths = 0;
  const first = await download();
  const cutAt = await take(first, half, { hash: pieces, each: watch });
  const rest = await download({ Range: `bytes=${cutAt}-`, 'If-Range': first.headers.etag });
  const came = await take(rest, announced, { hash: pieces, each: (done) => watch(cutAt + done) });
  const [atOnce, inTwo] = [whole.digest('hex'), pieces.digest('hex')];
  console.log(`cut after ${cutAt} bytes, then status ${rest.statusCode} and ${came} more`);
  console.log(`sha256 ${atOnce === inTwo ? 'the same' : 'DIFFERS'}: ${atOnce}, ${inTwo}`);
  console.log(`memory of the API: ${before.toFixed(0)} MB when it began, ${most.toFixed(0)} MB at most`);
  if (atOnce !== inTwo || cutAt + came !== announced) process.exitCode = 1;
} finally {
  api.kill('SIGTERM');
  await once(api, 'exit');
  await rm(directory, { recursive: true, force: true });
}
