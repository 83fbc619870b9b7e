import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';

/** Names of what an attempt leaves in its directory when its engine is killed. */
export const CANVAS_NAME = 'canvas.tif';
export const DRAFT_SUFFIX = '.part';
export const TILES_PREFIX = 'tiles-';

/** Removes what no later attempt can use: half-made files, and the finished tiles too unless they are to be kept. */
export async function removeDrafts(scratchDir: string, { keepTiles }: { keepTiles: boolean }): Promise<void> {
  const names = await readdir(scratchDir).catch(() => []);
  const useless = names.filter(
    (name) =>
      name.startsWith(CANVAS_NAME) || name.includes(DRAFT_SUFFIX) || (!keepTiles && name.startsWith(TILES_PREFIX)),
  );
  await Promise.all(useless.map((name) => rm(join(scratchDir, name), { recursive: true, force: true })));
}
