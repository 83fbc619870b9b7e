import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, rmSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { main, say } from '../../scripts/command.mjs';
import { Client } from './client.mjs';
import { makeNamespace } from './cluster.mjs';
import { inCluster } from './in-cluster.mjs';
import { makePhotos } from './photos.mjs';
import { drop, dump, makeSchemas, restore } from './postgres.mjs';
import { collect, countDone, isClean, judge, send } from './work.mjs';

/**
 * `npm run test:restore`: the runbook of docs/operations.md. Saved while batches run, lost altogether a while later, brought back,
 * gone on with; then the same without the databases, by resuming. Nothing may be lost, doubled or different.
 */

const PHOTOS = 100;
const WITHIN_MS = 300_000;

const timed = (work) => {
  const since = performance.now();
  const made = work();
  return { made, seconds: ((performance.now() - since) / 1000).toFixed(1) };
};

async function untilDone({ bucketFolder }, ids, count) {
  for (const since = performance.now(); countDone(bucketFolder, ids) < count; await sleep(100))
    if (performance.now() - since > WITHIN_MS) throw new Error(`Waited in vain for ${count} photos.`);
}

/** PostgreSQL first, the store after it, while everything runs. */
function save(cluster, parts) {
  const files = timed(() => dump(parts, cluster.postgresPassword));
  const place = join(parts.folder, 'saved');
  mkdirSync(place);
  const store = timed(() => {
    for (const folder of cluster.storeFolders)
      cpSync(folder, join(place, basename(folder)), { recursive: true, preserveTimestamps: true });
  });
  const megabytes = files.made.reduce((sum, file) => sum + statSync(file).size, 0) / 2 ** 20;
  say(`Saved: two dumps of ${megabytes.toFixed(1)} MiB in ${files.seconds} s, the store in ${store.seconds} s.`);
  return { files: files.made, place };
}

/** Everybody but PostgreSQL is killed; what they kept is gone. */
async function lose(cluster, { withStore }) {
  for (const member of [...cluster.apis, ...cluster.workers, cluster.temporal]) await member.kill();
  if (!withStore) return;
  await cluster.store.kill();
  for (const folder of cluster.storeFolders) rmSync(folder, { recursive: true });
}

async function startAgain({ temporal, workers, apis }, { temporalCli }, { namespace }) {
  await temporal.start();
  if (namespace) await makeNamespace(temporalCli);
  for (const member of [...workers, ...apis]) await member.start();
}

/**
 * Asks more than once: a machine that has just had much to do may be late with an answer. Not waited for synchronously, because
 * the workers' ways to Temporal lead through this process. @returns whether all is well
 */
async function askDoctor({ settings }, { packageDir, folder }, tries = 4) {
  const env = { ...process.env, ...settings, DATA_DIR: join(folder, 'doctor') };
  const args = [join(packageDir, 'dist/cli/main.js'), 'doctor', '--golden'];
  const { code = 0, stdout } = await promisify(execFile)(process.execPath, args, { env }).catch((error) => error);
  say(`darkroom doctor --golden ended with ${code}:\n${stdout.trim()}`);
  if (code === 0 || tries === 1) return code === 0;
  await sleep(15_000);
  return await askDoctor({ settings }, { packageDir, folder }, tries - 1);
}

const tell = (what, verdict) => {
  console.log(
    `${what}: ${Object.entries(verdict)
      .map(([name, count]) => `${name} ${count}`)
      .join(', ')}`,
  );
  return isClean(verdict);
};

await main(async () => {
  const photos = await makePhotos(PHOTOS);
  return await inCluster(async (cluster, parts) => {
    const client = new Client(cluster);
    const before = await collect(client, await send(client, photos, 'calm'));

    const saved = await send(client, photos, 'saved');
    await untilDone(cluster, saved, PHOTOS / 4);
    const backup = save(cluster, parts);
    const atBackup = countDone(cluster.bucketFolder, saved);
    await untilDone(cluster, saved, PHOTOS / 2);
    await lose(cluster, { withStore: true });
    const back = timed(() => {
      for (const folder of cluster.storeFolders)
        cpSync(join(backup.place, basename(folder)), folder, { recursive: true, preserveTimestamps: true });
      restore(parts, cluster.postgresPassword, backup.files);
    });
    say(
      `At the backup ${atBackup} of ${PHOTOS} photos were done, at the loss half. Brought back in ${back.seconds} s.`,
    );
    await cluster.store.start();
    await startAgain(cluster, parts, { namespace: false });
    const restored = tell('restored', judge(cluster.bucketFolder, before, await collect(client, saved)));
    const well = await askDoctor(cluster, parts);

    const resumed = await send(client, photos, 'resumed');
    await untilDone(cluster, resumed, PHOTOS / 2);
    await lose(cluster, { withStore: false });
    const kept = countDone(cluster.bucketFolder, resumed);
    drop(parts, cluster.postgresPassword);
    makeSchemas(parts, cluster.postgresPassword);
    await startAgain(cluster, parts, { namespace: true });
    let again = 0;
    for (const id of resumed) {
      const body = JSON.stringify({ operation_id: id });
      const init = { method: 'POST', body, headers: { 'content-type': 'application/json' } };
      again += (await client.json('/api/resume-operation', init)).remaining;
    }
    say(`Without the databases: ${kept} of ${PHOTOS} photos were done, ${again} were left to do.`);
    const verdict = judge(cluster.bucketFolder, before, await collect(client, resumed));
    return tell('resumed', verdict) && restored && well && again <= PHOTOS - kept;
  });
});
