import sharp from 'sharp';

/** Small photos made on the spot. */
const canvas = (width = 8, height = 6) => sharp({ create: { width, height, channels: 3, background: '#886644' } });

export const jpeg = (width?: number, height?: number): Promise<Buffer> => canvas(width, height).jpeg().toBuffer();
export const png = (width?: number, height?: number): Promise<Buffer> => canvas(width, height).png().toBuffer();

/** Large enough in bytes to be cut in the middle of its pixels. */
export const noisyJpeg = (width: number, height: number): Promise<Buffer> =>
  sharp({
    create: { width, height, channels: 3, background: '#000', noise: { type: 'gaussian', mean: 128, sigma: 40 } },
  })
    .jpeg()
    .toBuffer();

export const everyFormat = async (): Promise<Record<string, Buffer>> => ({
  '.jpg': await jpeg(),
  '.png': await png(),
  '.webp': await canvas().webp().toBuffer(),
  '.avif': await canvas().avif({ effort: 0 }).toBuffer(),
  '.tif': await canvas().tiff().toBuffer(),
  '.gif': await canvas().gif().toBuffer(),
  '.bmp': bmp(8, 6),
});

/** 24 bits a pixel, rows padded to four bytes. */
export function bmp(width: number, height: number): Buffer {
  const row = Math.ceil((width * 3) / 4) * 4;
  const file = Buffer.alloc(54 + row * height, 0x66);
  file.write('BM', 0, 'latin1');
  file.writeUInt32LE(file.length, 2);
  file.writeUInt32LE(0, 6);
  file.writeUInt32LE(54, 10);
  file.writeUInt32LE(40, 14);
  file.writeInt32LE(width, 18);
  file.writeInt32LE(height, 22);
  file.writeUInt16LE(1, 26);
  file.writeUInt16LE(24, 28);
  file.fill(0, 30, 54);
  return file;
}

/** A PNG that claims a size and holds nothing: signature, IHDR with a right checksum, an empty IDAT. */
export async function pngBomb(width: number, height: number): Promise<Buffer> {
  const { crc32 } = await import('node:zlib');
  const chunk = (type: string, data: Buffer): Buffer => {
    const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
    const out = Buffer.alloc(body.length + 8);
    out.writeUInt32BE(data.length, 0);
    body.copy(out, 4);
    out.writeUInt32BE(crc32(body), body.length + 4);
    return out;
  };
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 2, 0, 0, 0], 8);
  return Buffer.concat([
    Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'),
    chunk('IHDR', header),
    chunk('IDAT', Buffer.alloc(10)),
  ]);
}
