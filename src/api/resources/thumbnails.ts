import { taskParamsSchema } from '../../contracts/http-requests.ts';
import { thumbnailQuerySchema } from '../../contracts/http-thumbnails.ts';
import { ownPhoto } from '../ownership.ts';
import { route } from '../route.ts';
import { drawThumbnail } from '../thumbnails/draw-thumbnail.ts';
import { findOriginal, findResult } from '../thumbnails/find-picture.ts';

/** A browser asks again after this time, and is told that nothing has changed. */
const FRESH_SECONDS = 600;

export const thumbnail = route({
  method: 'get',
  path: '/api/v1/thumbnails/{task_id}',
  tag: 'Photos',
  summary: 'A small picture of a result, or of its original',
  params: taskParamsSchema,
  query: thumbnailQuerySchema,
  answer: 'image/webp',
  problems: [
    'invalid_request',
    'not_found',
    'not_completed',
    'removed',
    'image_unreadable',
    'too_many_pixels',
    'uploads_busy',
  ],
  async handle({ params, query, tenant, request, response }, house) {
    const { of = 'result', side = 320 } = query;
    const photo = await ownPhoto(house, tenant, params.task_id);
    const full = await (of === 'result' ? findResult(photo, house) : findOriginal(photo, house));
    const name = `${full.version}-${of}-${side}`;
    response.set({ ETag: `"${name}"`, 'Cache-Control': `private, max-age=${FRESH_SECONDS}` });
    if (request.get('if-none-match')?.includes(`"${name}"`)) {
      response.status(304).end();
      return undefined;
    }
    const { PHOTO_MAX_PIXELS, RESULT_MAX_PIXELS } = house.config;
    const picture = await house.thumbnails.find(name, async () => {
      const copy = await full.borrow();
      try {
        return await drawThumbnail(copy.path, side, of === 'result' ? RESULT_MAX_PIXELS : PHOTO_MAX_PIXELS);
      } finally {
        await copy.release();
      }
    });
    response.type('image/webp').send(picture);
    return undefined;
  },
});
