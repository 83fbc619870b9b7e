/** A photo has one name: whoever writes it in another way names nothing, and so no second rollback of the same photos. */
import { expect, it } from 'vitest';
import { parsePhotoId, photoId } from '../../src/contracts/ids.ts';

const BATCH = 'b-20261122-120934-k7m2x9qfab';

it('comes back from its name', () => {
  for (const index of [0, 7, 10, 99_999, 100_000]) {
    expect(parsePhotoId(photoId(BATCH, index))).toEqual({ batchId: BATCH, index });
  }
});

it.each(['.00', '.01', '.007', '.', '.-1', '.1e3', '.1000000', '', '.0 '])('is not %j', (end) =>
  expect(parsePhotoId(`${BATCH}${end}`)).toBeUndefined(),
);
