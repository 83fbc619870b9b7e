import { main, say } from '../../scripts/command.mjs';
import { Client } from './client.mjs';
import { beginFaults } from './faults.mjs';
import { inCluster } from './in-cluster.mjs';
import { makePhotos } from './photos.mjs';
import { collect, isClean, judge, send } from './work.mjs';

/**
 * `npm run test:cluster [-- SEED]`: the proof of the cluster. The same photos once undisturbed and once with members killed and cut off
 * at random and replaced by a deploy; nothing may be lost, doubled or different.
 */

const PHOTOS = 600;

const sum = (members, what) => members.reduce((total, { [what]: count }) => total + count, 0);

async function enhanceAll(client, photos, runName) {
  const since = performance.now();
  const done = await collect(client, await send(client, photos, runName));
  return { ...done, seconds: Number(((performance.now() - since) / 1000).toFixed(1)) };
}

await main(async ([text = '1']) => {
  const seed = Number(text);
  const photos = await makePhotos(PHOTOS);
  return await inCluster(async (cluster) => {
    const client = new Client(cluster);
    const before = await enhanceAll(client, photos, 'calm');
    say(`Undisturbed: ${photos.length} photos in ${before.seconds} s. Seed ${seed}.`);
    const faults = beginFaults(cluster, seed);
    const after = await enhanceAll(client, photos, `seed-${seed}`).finally(async () => {
      for (const { atMs, name, what } of await faults.stop()) {
        console.log(`${(atMs / 1000).toFixed(1).padStart(7)} s  ${name.padEnd(9)} ${what}`);
      }
    });
    const members = [cluster.postgres, cluster.temporal, cluster.store, ...cluster.apis, ...cluster.workers];
    const verdict = {
      ...judge(cluster.bucketFolder, before, after),
      kills: sum(members, 'kills'),
      'cut off from Temporal': sum(cluster.links, 'cuts'),
      'replaced by a deploy': sum(members, 'deploys'),
      'calls sent again': client.refused,
      'seconds undisturbed': before.seconds,
      'seconds with kills': after.seconds,
    };
    for (const { name, kills } of members) console.log(`${name.padEnd(22)} ${kills} kills`);
    for (const [what, count] of Object.entries(verdict)) console.log(`${what.padEnd(22)} ${count}`);
    return isClean(verdict) && verdict.kills * verdict['cut off from Temporal'] > 0;
  });
});
