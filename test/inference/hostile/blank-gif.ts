/** A GIF of very many pictures of one colour each, in few bytes. */
export function blankGif(width: number, height: number, pictures: number): Buffer {
  const head = Buffer.alloc(13);
  head.write('GIF89a', 0, 'latin1');
  head.writeUInt16LE(width, 6);
  head.writeUInt16LE(height, 8);
  head.set([0x80, 0, 0], 10); // a table of two colours
  const colours = Buffer.from([40, 80, 120, 255, 255, 255]);
  const place = Buffer.alloc(10);
  place[0] = 0x2c;
  place.writeUInt16LE(width, 5);
  place.writeUInt16LE(height, 7);
  const control = Buffer.from([0x21, 0xf9, 4, 0, 5, 0, 0, 0]);
  const picture = Buffer.concat([control, place, imageData(width * height)]);
  return Buffer.concat([head, colours, ...Array.from({ length: pictures }, () => picture), Buffer.from([0x3b])]);
}

/** LZW codes of so many zeros, never long enough for codes to grow: a table that is cleared again and again. */
function imageData(pixels: number): Buffer {
  const bits: number[] = [];
  const put = (code: number): void => void bits.push(code & 1, (code >> 1) & 1, (code >> 2) & 1);
  const [clear, end] = [4, 5];
  for (let pixel = 0; pixel < pixels; pixel += 1) {
    if (pixel % 2 === 0) put(clear);
    put(0);
  }
  put(end);
  const bytes = Buffer.alloc(Math.ceil(bits.length / 8));
  bits.forEach((bit, at) => (bytes[at >> 3] = (bytes[at >> 3] ?? 0) | (bit << (at & 7))));
  const blocks: Buffer[] = [Buffer.from([2])];
  for (let at = 0; at < bytes.length; at += 255) {
    const block = bytes.subarray(at, at + 255);
    blocks.push(Buffer.from([block.length]), block);
  }
  return Buffer.concat([...blocks, Buffer.from([0])]);
}
