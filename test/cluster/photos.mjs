import { join } from 'node:path';
import sharp from 'sharp';
import { root } from '../../scripts/command.mjs';

const SIZE = { width: 128, height: 96 };

/** Small real photos, each another part of a sample. */
export async function makePhotos(count) {
  const samples = ['astronaut.jpg', 'chelsea.png', 'coffee.jpg'].map((name) => join(root, 'samples', name));
  return await Promise.all(
    Array.from({ length: count }, async (_, index) => {
      const area = { left: (index * 3) % 100, top: (index * 2) % 90, ...SIZE };
      const bytes = await sharp(samples[index % samples.length])
        .extract(area)
        .jpeg({ quality: 92 })
        .toBuffer();
      return { name: `photo-${String(index).padStart(3, '0')}.jpg`, bytes };
    }),
  );
}
