import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { main, say } from '../../scripts/command.mjs';
import { Client } from './client.mjs';
import { openCluster } from './cluster.mjs';
import { beginFaults } from './faults.mjs';
import { makePhotos } from './photos.mjs';
import { provide } from './provide.mjs';

/**
 * `npm run test:cluster [-- SEED]`: the proof of the cluster. The same photos once undisturbed and once with members killed and cut off
 * at random and replaced by a deploy; nothing may be lost, doubled or different.
 */

const BATCHES = 30;
const PHOTOS = 20;
const END_WITHIN_MS = 900_000;

const sum = (members, what) => members.reduce((total, { [what]: count }) => total + count, 0);
const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex');

/** Sends all batches, waits for their ends, and fetches every result through whichever API process answers. */
async function enhanceAll(client, photos, runName) {
  const since = performance.now();
  const ids = [];
  for (let batch = 0; batch < BATCHES; batch += 1) {
    ids.push(await client.enhance(photos.slice(batch * PHOTOS, (batch + 1) * PHOTOS), `${runName}-${batch}`));
  }
  const ended = [];
  for (const id of ids) ended.push(await client.ended(id, END_WITHIN_MS));
  return { ids, ended, seconds: (performance.now() - since) / 1000 };
}

async function fetchResults(client, ended) {
  const results = [];
  for (const { task_id } of ended.flatMap(({ sub_tasks }) => sub_tasks)) {
    const { status, bytes } = await client.ask(`/api/v1/download/${task_id}`);
    results.push(status === 200 ? sha256(bytes) : undefined);
  }
  return results;
}

/** Outcomes of a batch as they lie in the bucket: more than one of a photo would be a second publication. */
function readBooks(bucketFolder, batchId) {
  const names = readdirSync(bucketFolder, { recursive: true }).filter((name) => name.includes(`${batchId}/outcomes/`));
  const files = names.filter((name) => name.endsWith('.json'));
  const photos = new Set(files.map((name) => /outcomes\/(\d+\/\d+)\./.exec(name)?.[1]));
  return { outcomes: files.length, photos: photos.size };
}

function judge(cluster, before, after) {
  const settled = after.ended.flatMap(({ sub_tasks }) => sub_tasks);
  const books = after.ids.map((id) => readBooks(cluster.bucketFolder, id));
  const photos = books.reduce((sum, book) => sum + book.photos, 0);
  return {
    sent: BATCHES * PHOTOS,
    completed: settled.filter(({ status }) => status === 'completed').length,
    failed: settled.filter(({ status }) => status === 'failed').length,
    lost: BATCHES * PHOTOS - photos + after.results.filter((result) => result === undefined).length,
    doubled: books.reduce((sum, book) => sum + book.outcomes, 0) - photos + new Set(after.ids).size - BATCHES,
    different: after.results.filter((result, index) => result !== before.results[index]).length,
  };
}

await main(async ([text = '1']) => {
  const seed = Number(text);
  const parts = await provide();
  const photos = await makePhotos(BATCHES * PHOTOS);
  const folder = mkdtempSync(join(tmpdir(), 'darkroom-cluster-'));
  let kept = true;
  const cluster = await openCluster({ ...parts, folder });
  // Ended half-way, it takes its members along: one left behind would get in the way of the next run.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'])
    process.once(signal, () => cluster.close().finally(() => process.exit(1)));
  try {
    const client = new Client(cluster);
    say(`The cluster runs in ${folder}: PostgreSQL, Temporal, an S3 server, 2 API processes, 3 workers. Seed ${seed}.`);
    const before = await enhanceAll(client, photos, 'calm');
    before.results = await fetchResults(client, before.ended);
    say(`Undisturbed: ${photos.length} photos in ${before.seconds.toFixed(1)} s.`);
    const faults = beginFaults(cluster, seed);
    const after = await enhanceAll(client, photos, `seed-${seed}`).finally(async () => {
      for (const { atMs, name, what } of await faults.stop()) {
        console.log(`${(atMs / 1000).toFixed(1).padStart(7)} s  ${name.padEnd(9)} ${what}`);
      }
    });
    after.results = await fetchResults(client, after.ended);
    const members = [cluster.postgres, cluster.temporal, cluster.store, ...cluster.apis, ...cluster.workers];
    const verdict = {
      ...judge(cluster, before, after),
      kills: sum(members, 'kills'),
      'cut off from Temporal': sum(cluster.links, 'cuts'),
      'replaced by a deploy': sum(members, 'deploys'),
      'calls answered again': client.refused,
      'seconds undisturbed': Number(before.seconds.toFixed(1)),
      'seconds with kills': Number(after.seconds.toFixed(1)),
    };
    for (const { name, kills } of members) console.log(`${name.padEnd(22)} ${kills} kills`);
    for (const [what, count] of Object.entries(verdict)) console.log(`${what.padEnd(22)} ${count}`);
    const good =
      verdict.lost + verdict.doubled + verdict.different + verdict.failed === 0 &&
      verdict.kills * verdict['cut off from Temporal'] > 0;
    console.log(good ? '1 passed, 0 failed' : '0 passed, 1 failed');
    kept = !good;
    return good ? 0 : 1;
  } finally {
    await cluster.close();
    if (kept) say(`Logs are kept in ${join(folder, 'logs')}.`);
    else rmSync(folder, { recursive: true, force: true });
  }
});
