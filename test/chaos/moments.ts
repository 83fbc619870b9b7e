import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { House } from '../e2e/house.ts';
import { TILES_PREFIX } from '../../src/inference/drafts.ts';
import { resultsPrefix } from '../../src/storage/keys.ts';

/** How far a photo is, as its traces on the disk tell: nothing of the house is asked, so nothing is slowed down or polite. */
export const MOMENTS = ['sent', 'claimed', 'in the network', 'encoding', 'publishing'] as const;
export type Moment = (typeof MOMENTS)[number];

const WITHIN_MS = 60_000;

/** Looks as fast as it can until a photo of the batch is so far. */
export async function momentOf(house: House, batchId: string, moment: Moment): Promise<void> {
  if (moment === 'sent') return;
  const until = performance.now() + WITHIN_MS;
  while (!isSeen(house.dataDir, batchId, moment)) {
    if (performance.now() > until) throw new Error(`No photo of ${batchId} was seen ${moment}`);
    await sleep(1);
  }
}

function isSeen(dataDir: string, batchId: string, moment: Exclude<Moment, 'sent'>): boolean {
  const desks = namesIn(join(dataDir, 'scratch')).filter((name) => name.startsWith(`${batchId}.`));
  const onDesks = (): string[] => desks.flatMap((desk) => namesIn(join(dataDir, 'scratch', desk)));
  switch (moment) {
    case 'claimed':
      return desks.length > 0;
    case 'in the network':
      return onDesks().some((name) => name.startsWith(TILES_PREFIX));
    case 'encoding':
      return onDesks().some((name) => name.startsWith('result'));
    case 'publishing':
      // Its file has just got its name, the outcome that points to it is about to be written.
      return namesIn(join(dataDir, 'store', resultsPrefix(batchId), FIRST_PAGE)).length > 0;
  }
}

const FIRST_PAGE = '00000';

export function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return []; // not there, or gone in between
  }
}
