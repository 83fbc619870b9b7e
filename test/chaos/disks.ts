import { setTimeout as sleep } from 'node:timers/promises';
import { waitFor } from '../e2e/processes.ts';
import type { Fault } from './fault.ts';
import { fillDisk, SmallDisk } from './small-disk.ts';

const FULL_MS = 3000;

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
    await waitFor('health after the disk was freed', 60_000, async () =>
      (await house.health()) === 'healthy' ? true : undefined,
    );
  },
};

export const DISKS: readonly Fault[] = SmallDisk.possible ? [diskFull] : [];
