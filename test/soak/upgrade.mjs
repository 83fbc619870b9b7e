import { execFileSync, spawnSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { loadConfig } from '../../dist/load-config.js';
import { main, root, Trouble } from '../../scripts/command.mjs';
import { Client } from '../cluster/client.mjs';
import { makePhotos } from '../cluster/photos.mjs';
import { startHouse } from './house.mjs';

/**
 * `npm run test:upgrade -- --from REVISION`: a house of an older release is stopped with a batch half-way, another one paused and a
 * third one finished, and this release is started on the same data. Nothing may be lost, done twice or changed, and what the older
 * one finished can still be undone.
 */

const PHOTOS = 20;
const WITHIN_MS = 300_000;
const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex');
const done = ({ sub_tasks: photos }) => photos.filter(({ status }) => status === 'completed');

/** The sources of a revision with what they need, built as its own users build them. */
function makeRelease(revision, folder) {
  mkdirSync(folder);
  const sources = execFileSync('git', ['archive', revision], { cwd: root, maxBuffer: 2 ** 30 });
  execFileSync('tar', ['x'], { cwd: folder, input: sources });
  for (const args of [
    ['ci', '--no-audit', '--no-fund'],
    ['run', 'build'],
  ]) {
    const { status, stderr } = spawnSync('npm', args, { cwd: folder, encoding: 'utf8' });
    if (status !== 0) throw new Trouble(`npm ${args.join(' ')} of ${revision} failed:\n${stderr.slice(-2000)}`);
  }
  return folder;
}

/** Networks of its own, so that a release never meets another one's graphs in the user's cache; only Temporal's program is shared. */
function makeCache(folder) {
  const cache = join(folder, 'cache');
  mkdirSync(cache);
  const temporal = join(loadConfig(process.env).config.CACHE_DIR, 'temporal');
  if (existsSync(temporal)) symlinkSync(temporal, join(cache, 'temporal'));
  return cache;
}

const statusOf = async (client, id) => await client.json(`/api/v1/batch/status/${id}`);

async function until(what, ask, is) {
  for (const since = performance.now(); ; await sleep(200)) {
    const found = await ask();
    if (is(found)) return found;
    if (performance.now() - since > WITHIN_MS) throw new Error(`Waited in vain for ${what}: ${JSON.stringify(found)}`);
  }
}

/** @returns by photo, what its result reads as; undefined where there is none */
async function resultsOf(client, { sub_tasks: photos }) {
  const results = {};
  for (const { task_id: task, filename } of photos) {
    const { status, bytes } = await client.ask(`/api/v1/download/${task}`);
    results[filename] = status === 200 ? sha256(bytes) : undefined;
  }
  return results;
}

async function post(client, path, body) {
  const headers = body === undefined ? {} : { 'content-type': 'application/json' };
  const { status, bytes } = await client.ask(path, { method: 'POST', body: JSON.stringify(body), headers });
  if (status >= 300) throw new Error(`${path} was answered ${status}: ${bytes}`);
  return JSON.parse(bytes);
}

async function leaveWorkBehind(client, photos) {
  const finished = await client.enhance(photos, 'finished');
  await client.ended(finished, WITHIN_MS);
  const paused = await client.enhance(photos, 'paused');
  await until(
    'two photos',
    async () => await statusOf(client, paused),
    (status) => done(status).length >= 2,
  );
  await post(client, `/api/v1/batches/${paused}/pause`);
  const underWay = await client.enhance(photos, 'under-way');
  await until(
    'a third',
    async () => await statusOf(client, underWay),
    (status) => done(status).length >= PHOTOS / 3,
  );
  return { finished, paused, underWay };
}

/**
 * Every photo completed; what the older release finished is as it was, and the rest is what either release makes of that photo.
 * @param makes - results by photo, of each release
 */
function compare(name, before, after, makes) {
  const count = (is) => Object.keys(after).filter(is).length;
  const verdict = {
    photos: PHOTOS,
    'done before': count((photo) => before[photo] !== undefined),
    lost: PHOTOS - count((photo) => after[photo] !== undefined),
    changed: count((photo) => before[photo] !== undefined && before[photo] !== after[photo]),
    different: count((photo) => before[photo] === undefined && !makes.some((made) => made[photo] === after[photo])),
  };
  const words = Object.entries(verdict).map(([what, many]) => `${what} ${many}`);
  console.log(`${name}: ${words.join(', ')}`);
  return verdict.lost + verdict.changed + verdict.different === 0;
}

await main(async (args) => {
  const { values } = parseArgs({ args, options: { from: { type: 'string' } } });
  if (values.from === undefined) throw new Trouble('Say which release to come from: --from REVISION.');
  const folder = mkdtempSync(join(tmpdir(), 'darkroom-upgrade-'));
  const key = randomBytes(24).toString('hex');
  const settings = { CACHE_DIR: makeCache(folder) };
  let house;
  try {
    const photos = await makePhotos(PHOTOS);
    house = await startHouse(folder, key, settings, makeRelease(values.from, join(folder, 'release')));
    const old = new Client({ urls: [house.url], key });
    const ids = await leaveWorkBehind(old, photos);
    const before = {};
    for (const [name, id] of Object.entries(ids)) before[name] = await resultsOf(old, await statusOf(old, id));
    await house.end();
    house = await startHouse(folder, key, settings);
    const client = new Client({ urls: [house.url], key });
    await post(client, `/api/v1/batches/${ids.paused}/resume`);
    const fresh = await resultsOf(client, await client.ended(await client.enhance(photos, 'fresh'), WITHIN_MS));
    let good = true;
    for (const [name, id] of Object.entries(ids)) {
      const after = await resultsOf(client, await client.ended(id, WITHIN_MS));
      good = compare(name, before[name], after, [before.finished, fresh]) && good;
    }
    const { operation_id: operation } = await post(client, '/api/rollback', { operation_id: ids.finished });
    const undone = await until(
      'the undo',
      async () => await client.json(`/api/v1/operations/${operation}`),
      ({ state }) => ['completed', 'partial_completed', 'failed'].includes(state),
    );
    const left = Object.values(await resultsOf(client, await statusOf(client, ids.finished))).filter(Boolean).length;
    console.log(`undoing what the older release finished: ${undone.state}, ${left} results left`);
    good &&= undone.state === 'completed' && left === 0;
    console.log(good ? '1 passed, 0 failed' : '0 passed, 1 failed');
    return good ? 0 : 1;
  } finally {
    await house?.end();
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  }
});
