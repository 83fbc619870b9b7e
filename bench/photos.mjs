/** Photos for measuring: real ones of any size, each a little different, and the tiles that a network is given of them. */
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { cutOut, cutTiles } from '../dist/inference/tiles.js';

const sample = fileURLToPath(new URL('../samples/astronaut.jpg', import.meta.url));

/** Width and height of about so many megapixels, 4:3. */
export function sizeOf(megapixels) {
  const width = Math.round(Math.sqrt((megapixels * 1e6 * 4) / 3));
  return { width, height: Math.round((width * 3) / 4) };
}

/** Files. What differs between them does not matter to a network's time. */
export const makePhotos = (count, { width, height }, format = 'jpeg') =>
  Promise.all(
    Array.from({ length: count }, (_, index) =>
      sharp(sample)
        .resize(width, height, { fit: 'cover' })
        .modulate({ hue: Math.round((index * 360) / count) })
        .toFormat(format, { quality: 90 })
        .toBuffer(),
    ),
  );

/** The tiles of a photo as the engine cuts them for a processor: windows with their overlap, and where each lies. */
export async function tilesOf(photo, tileSize, overlap) {
  const { data, info } = await sharp(photo).removeAlpha().raw().toBuffer({ resolveWithObject: true });
  const grid = cutTiles(info.width, info.height, tileSize, overlap);
  const image = { width: info.width, height: info.height, channels: 3, data };
  return grid.rows.flatMap((row) =>
    grid.columns.map((column) => ({
      left: column.window.start,
      top: row.window.start,
      width: column.window.end - column.window.start,
      height: row.window.end - row.window.start,
      data: cutOut(image, column.window, row.window),
    })),
  );
}
