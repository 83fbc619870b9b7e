import { describePlan } from '../batches/describe-plan.ts';
import type { PhotoToPlan } from '../batches/plan-photos.ts';
import { examinePhoto } from '../api/uploads/photo-records.ts';
import { optionsFrom, type AskedOptions } from '../contracts/option-fields.ts';
import { PLANNED_PER_ANSWER } from '../contracts/http-plan.ts';
import type { EnhanceOptions } from '../contracts/options.ts';
import { isOurs } from '../api/sources/bucket-places.ts';
import { lookAhead } from '../api/sources/look-ahead.ts';
import { openGuard } from '../outgoing/guard.ts';
import type { SourceDoors } from '../outgoing/open-source.ts';
import { openBuckets } from '../storage/buckets.ts';
import { sideBySide } from '../storage/side-by-side.ts';
import { openBooks } from './books.ts';
import { recordOf } from './enhance/carry-out.ts';
import { collectPhotos, type FoundPhoto } from './enhance/collect-photos.ts';
import type { Invocation } from './invocation.ts';
import { megabytes } from './terminal.ts';

export interface PlanRequest {
  readonly paths: readonly string[];
  readonly options: AskedOptions;
  readonly json: boolean;
}

/**
 * `darkroom plan`: what `darkroom enhance` would do with these photos, without doing it. Starts nothing; times are known
 * only where a Darkroom runs. @returns 0, 1 when photos would be refused, 2 when the command makes no sense.
 */
export async function plan(request: PlanRequest, invocation: Invocation): Promise<number> {
  const { terminal, directory, loaded } = invocation;
  const buckets = openBuckets(loaded.config);
  const { photos, faults } = await collectPhotos(
    request.paths,
    { directory, buckets, isOurs: (place) => isOurs(loaded.config, place) },
    undefined,
  );
  for (const fault of faults) terminal.line(fault);
  if (faults.length > 0) return 2;
  const { QUALITY_LEVEL, TILE_SIZE, PHOTO_MAX_PIXELS, RESULT_MAX_PIXELS } = loaded.config;
  const options = optionsFrom(request.options, { quality: QUALITY_LEVEL, tileSize: TILE_SIZE });
  const limits = { maxPixels: PHOTO_MAX_PIXELS, maxResultPixels: RESULT_MAX_PIXELS, options };
  const books = await openBooks(invocation);
  try {
    const answer = describePlan({
      photos: await lookAt(photos, limits, { guard: openGuard(loaded.config), buckets }),
      ...limits,
      options,
      workers: books?.live === true ? await books.service.workers() : [],
      freeBytes: await books?.freeBytes(),
      listed: PLANNED_PER_ANSWER,
    });
    if (request.json) process.stdout.write(`${JSON.stringify(answer)}\n`);
    else for (const line of explain(answer)) process.stdout.write(`${line}\n`);
    return answer.total.refused > 0 ? 1 : 0;
  } finally {
    await books?.close();
  }
}

interface Limits {
  readonly maxPixels: number;
  readonly maxResultPixels: number;
  readonly options: EnhanceOptions;
}

const AT_ONCE = 8;

/** Reads the headers, some side by side; of objects the first bytes of the first. */
async function lookAt(photos: readonly FoundPhoto[], limits: Limits, doors: SourceDoors): Promise<PhotoToPlan[]> {
  const here = photos.filter(({ etag }) => etag === undefined);
  const elsewhere = photos.filter(({ etag }) => etag !== undefined);
  const seen: PhotoToPlan[] = [];
  await sideBySide(here, AT_ONCE, async ({ path, name }, index) => {
    const { photo, refused } = await examinePhoto(path, limits);
    seen[index] = refused === undefined ? { name, size: photo } : { name, refused };
  });
  const { signal } = new AbortController();
  const records = elsewhere.map((photo, index) => recordOf(photo, index, ''));
  return [...seen, ...(await lookAhead(doors, records, { limits, maxBytes: Infinity, signal }))];
}

function* explain(answer: ReturnType<typeof describePlan>): Generator<string> {
  for (const photo of answer.photos) {
    if (photo.error !== null) yield `${photo.name}: refused. ${photo.error}`;
    else if (photo.unknown !== null) yield `${photo.name}: ${photo.unknown}`;
    else
      yield `${photo.name}: ${photo.width ?? 0} x ${photo.height ?? 0} to ${photo.result_width ?? 0} x ${photo.result_height ?? 0}${photo.seconds === null ? '' : `, ${photo.tiles} tiles, ${photo.seconds.toFixed(1)} s`}`;
  }
  const { total, disk } = answer;
  if (total.photos > answer.photos.length) yield `and ${total.photos - answer.photos.length} more`;
  yield answer.message;
  yield `Disk: about ${megabytes(total.result_bytes)} of results, ${megabytes(total.scratch_bytes)} of scratch${disk.enough === false ? ': more than there is' : ''}.`;
  if (total.memory_bytes > 0) yield `Memory: about ${megabytes(total.memory_bytes)} for the engine.`;
}
