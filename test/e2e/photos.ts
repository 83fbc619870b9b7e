import { join } from 'node:path';
import { crc32, deflateSync } from 'node:zlib';
import sharp from 'sharp';
import { packageDir } from './house.ts';

export interface Photo {
  readonly name: string;
  readonly bytes: Uint8Array;
}

const SAMPLES = ['astronaut.jpg', 'chelsea.png', 'coffee.jpg'] as const;

export const sample = (name: (typeof SAMPLES)[number]): string => join(packageDir, 'samples', name);

/** Small real photos, each another part of a sample (enlarged if need be), so that each has a result of its own. */
export async function crops(count: number, width = 160, height = 120): Promise<Photo[]> {
  return await Promise.all(
    Array.from({ length: count }, async (_, index) => {
      const file = sample(SAMPLES[index % SAMPLES.length] ?? 'coffee.jpg');
      const original = await sharp(file).metadata();
      const factor = Math.max(1, width / original.width, height / original.height);
      const size = { width: Math.ceil(original.width * factor), height: Math.ceil(original.height * factor) };
      const area = {
        left: (index * 7) % (size.width - width + 1),
        top: (index * 11) % (size.height - height + 1),
        width,
        height,
      };
      const bytes = await sharp(file).resize(size.width, size.height).extract(area).jpeg({ quality: 92 }).toBuffer();
      return { name: `photo-${String(index).padStart(2, '0')}.jpg`, bytes };
    }),
  );
}

/** Its header is whole and says a size; the pixels break off. */
export const truncated = ({ name, bytes }: Photo): Photo => ({
  name,
  bytes: bytes.subarray(0, Math.floor(bytes.length / 2)),
});

/** A true PNG of one bit a pixel: some hundred kilobytes that would be 900 MB and more in memory. */
export function bomb(width: number, height: number): Photo {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([1, 0, 0, 0, 0], 8);
  const rows = deflateSync(Buffer.alloc(height * (Math.ceil(width / 8) + 1)), { level: 9 });
  const signature = Buffer.from('\x89PNG\r\n\x1a\n', 'latin1');
  return {
    name: 'bomb.png',
    bytes: Buffer.concat([signature, chunk('IHDR', header), chunk('IDAT', rows), chunk('IEND', Buffer.alloc(0))]),
  };
}

function chunk(type: string, data: Buffer): Buffer {
  const [length, checksum] = [Buffer.alloc(4), Buffer.alloc(4)];
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  length.writeUInt32BE(data.length);
  checksum.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, checksum]);
}
