/** An uncompressed RGB TIFF of several pages. */
export function tiffPages(width: number, height: number, pages: number): Buffer {
  const strip = width * height * 3;
  const entries = 9;
  const directory = 2 + entries * 12 + 4;
  const size = 6 + directory + strip;
  const file = Buffer.alloc(8 + pages * size, 0x66);
  file.write('II*\0', 0, 'latin1');
  file.writeUInt32LE(8 + 6, 4);
  for (let page = 0; page < pages; page += 1) {
    const bits = 8 + page * size;
    const at = bits + 6;
    [8, 8, 8].forEach((value, index) => file.writeUInt16LE(value, bits + index * 2));
    file.writeUInt16LE(entries, at);
    const fields: readonly (readonly [tag: number, type: 3 | 4, count: number, value: number])[] = [
      [256, 4, 1, width],
      [257, 4, 1, height],
      [258, 3, 3, bits],
      [259, 3, 1, 1],
      [262, 3, 1, 2],
      [273, 4, 1, at + directory],
      [277, 3, 1, 3],
      [278, 4, 1, height],
      [279, 4, 1, strip],
    ];
    fields.forEach(([tag, type, count, value], index) => {
      const entry = at + 2 + index * 12;
      file.writeUInt16LE(tag, entry);
      file.writeUInt16LE(type, entry + 2);
      file.writeUInt32LE(count, entry + 4);
      file.writeUInt32LE(value, entry + 8);
    });
    file.writeUInt32LE(page + 1 < pages ? at + size : 0, at + 2 + entries * 12);
  }
  return file;
}
