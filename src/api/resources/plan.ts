import { describePlan } from '../../batches/describe-plan.ts';
import type { PhotoToPlan } from '../../batches/plan-photos.ts';
import {
  planPageSchema,
  planRequestSchema,
  planSchema,
  type PlanAnswer,
  type PlanRequest,
} from '../../contracts/http-plan.ts';
import type { House } from '../house.ts';
import { ORDER_BYTES, route } from '../route.ts';
import { collectObjects } from '../sources/bucket-photos.ts';
import { collectFolder } from '../sources/folder-photos.ts';
import { lookAhead } from '../sources/look-ahead.ts';
import { locate, openTerritory } from '../sources/roots.ts';
import { lookAtUploads } from '../sources/upload-photos.ts';
import { inspectUrls } from '../sources/url-photos.ts';
import { limitsOf } from '../uploads/photo-records.ts';
import { settingsOf } from '../uploads/settings.ts';

const LISTED = 100;

export const plan = route({
  method: 'post',
  path: '/api/v1/plan',
  tag: 'Batches',
  summary: 'What a batch would do, refuse and take, without starting anything',
  body: planRequestSchema,
  query: planPageSchema,
  answer: planSchema,
  bodyBytes: ORDER_BYTES,
  problems: [
    'invalid_request',
    'no_files',
    'too_many_files',
    'empty_file',
    'unsupported_format',
    'image_unreadable',
    'too_many_pixels',
    'upload_missing',
    'upload_incomplete',
    'upload_expired',
    'upload_used',
    'bucket_refused',
    'storage_unavailable',
  ],
  async handle({ body, query, tenant, signal }, house): Promise<PlanAnswer> {
    const { options } = settingsOf(body.options ?? {}, house.config);
    const limits = limitsOf(house, options);
    const { workers } = await house.vitals();
    return describePlan({
      photos: await findPhotos(body.source, house, limits, { tenant, signal }),
      ...limits,
      options,
      workers,
      freeBytes: await house.store.freeBytes(),
      listed: query.limit ?? LISTED,
    });
  },
});

async function findPhotos(
  source: PlanRequest['source'],
  house: House,
  limits: ReturnType<typeof limitsOf>,
  { tenant, signal }: { readonly tenant: string; readonly signal: AbortSignal },
): Promise<PhotoToPlan[]> {
  if (source.kind === 'sizes') {
    return source.photos.map(({ name, width, height }, index) => ({
      name: name ?? `${index + 1}`,
      size: { width, height },
    }));
  }
  if (source.kind === 'uploads')
    return lookAtUploads(house, { ids: source.ids, pointer: '/source/ids', tenant, signal });
  if (source.kind !== 'folder') {
    const elsewhere = { keyOf: () => NOWHERE, targets: undefined, signal };
    const photos =
      source.kind === 'urls'
        ? await inspectUrls(house, { ...elsewhere, urls: source.urls })
        : (await collectObjects(house, { ...elsewhere, source })).photos;
    const { outgoing: guard, buckets, config } = house;
    return lookAhead({ guard, buckets }, photos, { limits, maxBytes: config.UPLOAD_MAX_BYTES, signal });
  }
  const territory = await openTerritory(house.sourceRoots, house.config);
  const folder = await locate(territory, source.path, '/source/path');
  const { recursive = true } = source;
  const { photos, sizes } = await collectFolder({ folder, territory, recursive, except: undefined, limits }, signal);
  return photos.map(({ name, refused }, index) => {
    const size = sizes[index];
    return { name, ...(size === undefined ? {} : { size }), ...(refused === undefined ? {} : { refused }) };
  });
}

/** Nothing of a plan is put anywhere. */
const NOWHERE = '';
