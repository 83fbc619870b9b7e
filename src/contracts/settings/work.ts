import { z } from 'zod';
import { QUALITY_LEVELS, TILE_SIZE } from '../options.ts';
import { flag, settingOf, whole } from './setting.ts';

const setting = settingOf('Work');

/** What is done to photos where a call does not say, and how much of it. */
export const WORK_SETTINGS = {
  QUALITY_LEVEL: setting(z.enum(QUALITY_LEVELS), 'high', 'quality_level of API calls that name none.'),
  TILE_SIZE: setting(
    whole(TILE_SIZE.min, TILE_SIZE.max),
    String(TILE_SIZE.default),
    'tile_size of calls that name none.',
  ),
  MAX_WORKERS: setting(
    whole(1, 200),
    '4',
    'Photos of one batch that may be under way at once (the seed’s `max_workers`).',
  ),
  ENABLE_CHECKPOINT: setting(
    flag,
    'true',
    'Keep finished tiles of a photo under way, so that an interruption costs little (the seed’s `enable_checkpoint`).',
  ),
  CHECKPOINT_MIN_MS: setting(
    whole(0, 86_400_000),
    '5000',
    'Tiles are kept of photos that the network needs at least this long for, in milliseconds. Others are done anew after an interruption: to keep the tiles of all would take longer.',
  ),
  ENABLE_ROLLBACK: setting(flag, 'true', 'Allow batches to be rolled back (the seed’s `enable_rollback`).'),
  PHOTO_MAX_PIXELS: setting(whole(1, 2 ** 31), '120000000', 'Largest photo, in pixels, that is decoded.'),
  RESULT_MAX_PIXELS: setting(whole(1, 2 ** 33), '2000000000', 'Largest result, in pixels.'),
  RETENTION_HOURS: setting(whole(1, 1_000_000), '168', 'How long uploads and results are kept.'),
};
