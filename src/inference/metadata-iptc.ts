/** IPTC-IIM: datasets one after the other, in JPEG inside Photoshop's resources, in TIFF bare. */

const MARK = 0x1c;
const RESOURCE = '8BIM';
const IPTC_RESOURCE = 0x0404;
const PHOTOSHOP = 'Photoshop 3.0\0';

/** Record 2: places, and by whose programs the photo went. */
const PRIVATE_DATASETS = new Set([26, 27, 90, 92, 95, 100, 101]);

/** The datasets themselves, out of whatever they are wrapped in; `undefined` where there are none. */
export function bareIptc(block: Buffer): Buffer | undefined {
  if (block[0] === MARK) return block;
  let at = block.toString('latin1', 0, PHOTOSHOP.length) === PHOTOSHOP ? PHOTOSHOP.length : 0;
  while (at + 12 <= block.length && block.toString('latin1', at, at + 4) === RESOURCE) {
    const id = block.readUInt16BE(at + 4);
    const name = (block[at + 6] ?? 0) + 1;
    const sizeAt = at + 6 + name + (name % 2);
    if (sizeAt + 4 > block.length) return undefined;
    const size = block.readUInt32BE(sizeAt);
    if (sizeAt + 4 + size > block.length) return undefined;
    if (id === IPTC_RESOURCE) return block.subarray(sizeAt + 4, sizeAt + 4 + size);
    at = sizeAt + 4 + size + (size % 2);
  }
  return undefined;
}

/** The datasets without those that name a place; what cannot be read, from there on, is left out. */
export function privateIptc(datasets: Buffer): Buffer {
  const kept: Buffer[] = [];
  let at = 0;
  while (at + 5 <= datasets.length && datasets[at] === MARK) {
    const [record, dataset] = [datasets[at + 1], datasets[at + 2] ?? 0];
    const size = datasets.readUInt16BE(at + 3);
    const end = at + 5 + size;
    if (size >= 0x8000 || end > datasets.length) break; // extended sizes: nothing a photo's caption needs
    if (record !== 2 || !PRIVATE_DATASETS.has(dataset)) kept.push(datasets.subarray(at, end));
    at = end;
  }
  return Buffer.concat(kept);
}

/** As JPEG has them: the content of an APP13 segment. */
export function photoshopBlock(datasets: Buffer): Buffer {
  const head = Buffer.alloc(8);
  head.writeUInt16BE(IPTC_RESOURCE, 0);
  head.writeUInt32BE(datasets.length, 4); // before it, two bytes of an empty name
  return Buffer.concat([
    Buffer.from(`${PHOTOSHOP}${RESOURCE}`, 'latin1'),
    head,
    datasets,
    Buffer.alloc(datasets.length % 2),
  ]);
}
