import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { House } from '../e2e/house.ts';
import { problem, Visitor } from '../e2e/visitor.ts';
import type { Fault } from './fault.ts';
import { momentOf } from './moments.ts';
import { fillDisk, SmallDisk } from './small-disk.ts';

const FULL_MS = 3000;
const BROKEN_MS = 3000;

const diskFull: Fault = {
  number: 59,
  name: 'disk full, then freed',
  stage: 'small disk',
  async strike({ house }) {
    const free = await fillDisk(house.dataDir);
    try {
      await sleep(FULL_MS);
    } finally {
      await free();
    }
    await house.becomesHealthy();
  },
};

const PRELOADED = new URL('failing-disk.mjs', import.meta.url).href;

/** Nothing can be saved: photos wait, new ones are refused with the reason, and no half file gets a name. */
const diskBroken: Fault = {
  number: 59,
  name: 'disk answers with input/output errors, then works',
  atOnce: true,
  async prepare(house) {
    const CHAOS_DISK = switchOf(house);
    await house.restart({ NODE_OPTIONS: `--import=${PRELOADED}`, CHAOS_DISK });
    return async () => {
      await rm(CHAOS_DISK, { force: true });
      await house.restart();
    };
  },
  async strike({ house, batchId, photos }) {
    await momentOf(house, batchId, 'in the network');
    await writeFile(switchOf(house), '');
    const refused = await problem(
      await new Visitor(house.url).post('/api/v1/enhance?quality_level=fast', 'file', photos.slice(0, 1)),
    );
    if (refused.status !== 503 || refused.code !== 'storage_unavailable')
      throw new Error(`refused with ${refused.status} ${refused.code}`);
    await sleep(BROKEN_MS);
    await rm(switchOf(house));
    await house.becomesHealthy();
    return 'a photo sent meanwhile was refused';
  },
};

const switchOf = ({ dataDir }: House): string => join(dataDir, 'disk-is-broken');

export const DISKS: readonly Fault[] = SmallDisk.possible ? [diskFull, diskBroken] : [diskBroken];
