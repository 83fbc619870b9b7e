import { mkdir } from 'node:fs/promises';
import { resolve } from 'node:path';
import { isOurs } from '../../api/sources/bucket-places.ts';
import type { Config } from '../../contracts/config.ts';
import { isS3Address, parseS3Folder } from '../../contracts/s3-place.ts';
import type { AskedOptions } from '../../contracts/option-fields.ts';
import { openBuckets, type Buckets } from '../../storage/buckets.ts';
import type { Invocation } from '../invocation.ts';
import { STOPPED, workAtDesk } from '../work-at-desk.ts';
import { carryOut } from './carry-out.ts';
import { collectPhotos, type FoundPhoto } from './collect-photos.ts';
import { sortReplaceable, type RefusedPhoto } from './replaceable.ts';
import { EnhanceReport } from './report.ts';

export interface EnhanceRequest {
  readonly paths: readonly string[];
  /** Where copies of the results go, a folder or a place in a bucket; `undefined`: in place of the originals. */
  readonly out: string | undefined;
  readonly options: AskedOptions;
  readonly json: boolean;
}

/**
 * `darkroom enhance`: photos in, better photos in a folder or in their place, one batch. The same command again goes on
 * where it ended.
 * @returns 0, 1 when photos failed, 2 when the command makes no sense, 130 after Ctrl-C.
 */
export async function enhance(request: EnhanceRequest, invocation: Invocation): Promise<number> {
  const { terminal, directory, command } = invocation;
  const { out } = request;
  const folder = out === undefined ? null : isS3Address(out) ? out : resolve(directory, out);
  const { photos, refused, faults } = await findPhotos(request, invocation, folder);
  if (faults.length > 0) {
    for (const fault of faults) terminal.line(fault);
    return 2;
  }
  if (folder !== null && !isS3Address(folder)) await mkdir(folder, { recursive: true });
  const report = new EnhanceReport(terminal, photos.length + refused.length);
  for (const { photo, error } of refused) report.refused(photo, error);
  if (photos.length > 0) {
    const order = { invocation, photos, folder, asked: request.options, report };
    const worked = await workAtDesk(invocation, async (desk, signal) => await carryOut(order, desk, signal));
    if (worked === STOPPED) return 130;
  }
  report.finish({ json: request.json, folder, command });
  return report.failed > 0 ? 1 : 0;
}

interface Found {
  readonly photos: readonly FoundPhoto[];
  readonly refused: readonly RefusedPhoto[];
  readonly faults: readonly string[];
}

async function findPhotos(
  { paths }: EnhanceRequest,
  { directory, loaded: { config } }: Invocation,
  folder: string | null,
): Promise<Found> {
  if (folder === null && paths.some(isS3Address)) return { ...NOTHING, faults: [NOT_THERE] };
  if (folder === null && !config.ENABLE_ROLLBACK) return { ...NOTHING, faults: [NO_WAY_BACK] };
  const buckets = openBuckets(config);
  const wrong = folder !== null && isS3Address(folder) ? await whyNot(folder, buckets, config) : undefined;
  if (wrong !== undefined) return { ...NOTHING, faults: [wrong] };
  const { photos, faults } = await collectPhotos(
    paths,
    { directory, buckets, isOurs: (place) => isOurs(config, place) },
    folder ?? undefined,
  );
  if (faults.length > 0) return { ...NOTHING, faults };
  if (photos.length === 0) return { ...NOTHING, faults: [NO_PHOTO] };
  return folder === null ? await sortReplaceable(photos, config.DATA_DIR) : { photos, refused: [], faults: [] };
}

/** Why results cannot go there; a photo would find out only once it is enhanced. */
async function whyNot(address: string, buckets: Buckets, config: Config): Promise<string | undefined> {
  const place = parseS3Folder(address);
  if (place === undefined) return `${address} is no place in a bucket: write s3://bucket/folder.`;
  if (isOurs(config, place)) return `${address} belongs to Darkroom's own store and is not touched.`;
  const there = await buckets.has(place.bucket, new AbortController().signal);
  return there ? undefined : `There is no bucket ${place.bucket}.`;
}

const NOTHING = { photos: [], refused: [] };
const NO_PHOTO = 'There is no photo to enhance: name files, or folders that have photos.';
const NOT_THERE = 'Photos of a bucket cannot be replaced in place: name a folder for the results (--out).';
const NO_WAY_BACK = 'Photos are replaced in place only where that can be undone, and ENABLE_ROLLBACK is false.';
