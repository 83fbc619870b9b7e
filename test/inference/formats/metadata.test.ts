/**
 * Metadata: kept byte for byte but for what is no longer true, without places and owners when privacy is asked for, gone when
 * stripping is; and no block, however broken, is more than left out.
 */
import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { changeExif } from '../../../src/inference/metadata-exif.ts';
import { bareIptc, privateIptc } from '../../../src/inference/metadata-iptc.ts';
import { readTiffMetadata } from '../../../src/inference/metadata-tiff-read.ts';
import { changeXmp } from '../../../src/inference/metadata-xmp.ts';
import {
  exifSegment,
  iptcDatasets,
  iptcSegment,
  makeExif,
  readExifTags,
  withJpegSegments,
  withPngExif,
  xmpSegment,
} from './containers.ts';
import { makeFolder, removeFolder, roundTrip, SAMPLES } from './support.ts';

let folder = '';
beforeAll(async () => {
  folder = await makeFolder();
});
afterAll(() => removeFolder(folder));

const MAKER = Buffer.from('ACME\0\x01\x02 serial 4711 and pointers into the block', 'latin1');

const tags = (thumbnail?: Buffer) => ({
  image: [
    { tag: 0x10f, value: 'ACME' },
    { tag: 0x112, value: 6 },
    { tag: 0x13b, value: 'Ansel' },
    { tag: 0x13c, value: "Anna's phone" },
    { tag: 0x8298, value: '(c) Ansel' },
    { tag: 0xc62f, value: 'BODY-4711' },
  ],
  exif: [
    { tag: 0x829a, value: [1, 125] as const },
    { tag: 0x9003, value: '2024:01:02 03:04:05' },
    { tag: 0x927c, value: MAKER },
    { tag: 0xa002, value: 100 },
    { tag: 0xa003, value: 50 },
    { tag: 0xa430, value: 'Anna Owner' },
    { tag: 0xa431, value: 'SERIAL-4711' },
    { tag: 0xa434, value: 'Lens 50 mm' },
    { tag: 0xfe01, value: 'of no standard' },
  ],
  gps: [
    { tag: 1, value: 'N' },
    { tag: 2, value: [48, 1] as const },
    { tag: 0x1d, value: '2024:01:02' },
  ],
  ...(thumbnail === undefined ? {} : { thumbnail }),
});

const XMP = `<?xpacket begin="\uFEFF" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:exif="http://ns.adobe.com/exif/1.0/" xmlns:aux="http://ns.adobe.com/exif/1.0/aux/"
 xmlns:tiff="http://ns.adobe.com/tiff/1.0/" xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/" xmlns:dc="http://purl.org/dc/elements/1.1/"
 tiff:Orientation="6" exif:GPSLatitude="48,8.0N" aux:SerialNumber='4711' photoshop:City="Munich" photoshop:Headline="A &gt; B">
<exif:GPSLongitude>11,34.0E</exif:GPSLongitude><exif:PixelXDimension>100</exif:PixelXDimension>
<Iptc4xmpExt:LocationShown xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/"><rdf:Bag><rdf:li rdf:parseType="Resource"><Iptc4xmpExt:City>Munich</Iptc4xmpExt:City></rdf:li></rdf:Bag></Iptc4xmpExt:LocationShown>
<dc:title><rdf:Alt><rdf:li xml:lang="x-default">A title</rdf:li></rdf:Alt></dc:title></rdf:Description></rdf:RDF></x:xmpmeta>
<?xpacket end="w"?>`;

const IPTC = [
  [5, 'A title'],
  [80, 'Ansel'],
  [90, 'Munich'],
  [101, 'Germany'],
  [120, 'A caption'],
] as const;

const picture = () => sharp(join(SAMPLES, 'astronaut.jpg')).resize(120, 80);
const photoWithAll = async (littleEndian = true): Promise<Buffer> =>
  withJpegSegments(await picture().jpeg({ quality: 95 }).toBuffer(), [
    exifSegment(makeExif(tags(await picture().resize(16, 12).jpeg().toBuffer()), littleEndian)),
    xmpSegment(XMP),
    iptcSegment(IPTC),
  ]);

const text = (found: Map<string, Buffer>, name: string): string | undefined =>
  found.get(name)?.toString('latin1').replace(/\0+$/, '');
const number = (bytes: Buffer | undefined, littleEndian: boolean): number | undefined =>
  bytes === undefined || bytes.length < 4
    ? bytes && (littleEndian ? bytes.readUInt16LE(0) : bytes.readUInt16BE(0))
    : littleEndian
      ? bytes.readUInt32LE(0)
      : bytes.readUInt32BE(0);

describe.each([true, false])('in %s byte order', (littleEndian) => {
  it.each(['jpeg', 'png', 'webp', 'tiff', 'avif'] as const)('kept in %s', async (format) => {
    const { file, path } = await roundTrip(await photoWithAll(littleEndian), folder, { format }, 2);
    const found = await sharp(file).metadata();
    // libvips does not read EXIF of TIFF: that what it is has come round again is proven by going through once more.
    const exif = format === 'tiff' ? (await roundTrip(path, folder, { format: 'png' })).file : undefined;
    const block = exif === undefined ? found.exif : (await sharp(exif).metadata()).exif;
    const own = readExifTags(block ?? Buffer.alloc(0));
    expect(text(own, 'image:13b')).toBe('Ansel');
    expect(text(own, 'exif:9003')).toBe('2024:01:02 03:04:05');
    expect(text(own, 'exif:a431')).toBe('SERIAL-4711');
    expect(own.get('exif:927c')?.equals(MAKER)).toBe(true);
    expect(own.has('gps:2')).toBe(true);
    // AVIF is left to libvips, which knows no tags but the standard's.
    if (format !== 'avif') expect(text(own, 'exif:fe01')).toBe('of no standard');
    const order = block?.subarray(block.toString('latin1', 0, 4) === 'Exif' ? 6 : 0).toString('latin1', 0, 2) === 'II';
    if (format !== 'tiff') {
      expect(number(own.get('image:112'), order)).toBe(1);
      expect(number(own.get('exif:a002'), order)).toBe(160); // turned upright and twice as large
      expect(number(own.get('exif:a003'), order)).toBe(240);
    }
    expect([...own.keys()].some((name) => name.startsWith('thumbnail'))).toBe(false);
    expect(found.orientation ?? 1).toBe(1);
    expect([found.width, found.height]).toEqual([160, 240]);
    expect(found.xmp?.toString()).toContain('exif:GPSLatitude="48,8.0N"');
    expect(found.xmp?.toString()).not.toContain('tiff:Orientation');
    if (format === 'jpeg' || format === 'tiff') {
      expect(bareIptc(found.iptc ?? Buffer.alloc(0))?.subarray(0, 12)).toEqual(iptcDatasets([IPTC[0]]));
    }
  });
});

describe('[38] privacy', () => {
  const SECRETS = ['4711', 'Anna', 'Munich', 'Germany', '48,8', '11,34', 'GPS'];

  it.each(['jpeg', 'png', 'webp', 'tiff', 'avif'] as const)('%s tells neither who nor where', async (format) => {
    const { file } = await roundTrip(await photoWithAll(), folder, { format, metadata: 'privacy' });
    // Nothing of it is left anywhere in the file, not even without a tag that points to it.
    for (const secret of SECRETS) expect(file.includes(secret), secret).toBe(false);
    for (const kept of ['A title', 'Ansel', 'Lens 50 mm', '2024:01:02 03:04:05'])
      expect(file.includes(kept), kept).toBe(true);
    const { exif } = await sharp(file).metadata();
    if (exif !== undefined) expect([...readExifTags(exif).keys()].join()).not.toMatch(/gps|927c|a43[01]|c62f/);
  });

  it('does not trust packets that hide their text', () => {
    const hidden = '<!DOCTYPE x [<!ENTITY p "48,8.0N">]><x:a xmlns:x="adobe:ns:meta/">&p;</x:a>';
    expect(changeXmp(Buffer.from(hidden), { privacy: true })).toBeUndefined();
    expect(changeXmp(Buffer.from(XMP, 'utf16le'), { privacy: true })).toBeUndefined();
    expect(changeXmp(Buffer.from('<x:a><x:GPSLatitude>48'), { privacy: true })).toBeUndefined();
  });

  it('leaves XMP that can be read as XML', () => {
    const changed = changeXmp(Buffer.from(XMP), { privacy: true })?.toString() ?? '';
    expect(changed).toContain('photoshop:Headline="A &gt; B"');
    for (const name of ['rdf:Description', 'dc:title', 'rdf:li', 'x:xmpmeta', 'rdf:RDF']) {
      const opened = changed.split(new RegExp(`<${name}[\\s>]`)).length;
      expect(changed.split(`</${name}>`).length, name).toBe(opened);
    }
  });
});

describe('strip', () => {
  it.each(['jpeg', 'png', 'webp', 'tiff', 'avif'] as const)('%s holds nothing but the profile', async (format) => {
    const plain = await photoWithAll();
    const { icc } = await sharp(await picture().withIccProfile('p3').png().toBuffer()).metadata();
    const marked = withJpegSegments(plain, [
      [0xe2, Buffer.concat([Buffer.from('ICC_PROFILE\0\x01\x01', 'latin1'), icc ?? Buffer.alloc(0)])],
    ]);
    const { file } = await roundTrip(marked, folder, { format, metadata: 'strip' });
    const found = await sharp(file).metadata();
    expect([found.exif, found.xmp, found.iptc].map((block) => block === undefined)).toEqual([true, true, true]);
    expect(found.icc?.equals(icc ?? Buffer.alloc(0))).toBe(true);
    for (const word of ['Ansel', 'Munich', 'A title']) expect(file.includes(word)).toBe(false);
  });
});

describe('what a format cannot hold', () => {
  it('is said', async () => {
    const { notes } = await roundTrip(await photoWithAll(), folder, { format: 'png' });
    expect(notes).toEqual(['IPTC data was not kept: a PNG file holds none.']);
  });

  it('EXIF larger than a segment of JPEG is left out, and that is said', async () => {
    const large = makeExif({
      image: [{ tag: 0x13b, value: 'Ansel' }],
      exif: [{ tag: 0x927c, value: Buffer.alloc(70_000, 1) }],
    });
    const { file, notes } = await roundTrip(withPngExif(await picture().png().toBuffer(), large), folder, {
      format: 'jpeg',
    });
    expect((await sharp(file).metadata()).exif).toBeUndefined();
    expect(notes.join()).toContain('larger than a JPEG');
  });
});

describe('[37] hostile EXIF', () => {
  const sound = makeExif(tags(Buffer.from([0xff, 0xd8, 0xff, 0xd9])));
  const size = { width: 10, height: 10 };

  it('a directory that points to itself is read once', () => {
    const looped = Buffer.from(sound);
    for (let at = 0; at + 12 <= looped.length; at += 2) {
      if (looped.readUInt16LE(at) === 0x8769 && looped.readUInt16LE(at + 2) === 4) looped.writeUInt32LE(8, at + 8);
    }
    looped.writeUInt32LE(8, 8 + 2 + looped.readUInt16LE(8) * 12);
    expect(changeExif(looped, { ...size, privacy: true })).toBeDefined();
  });

  it('cut off anywhere, or with any four bytes turned to ones, it is changed or left out, at once', () => {
    const started = performance.now();
    for (let cut = 0; cut < sound.length; cut += 1) changeExif(sound.subarray(0, cut), { ...size, privacy: true });
    for (let at = 0; at + 4 <= sound.length; at += 1) {
      const bent = Buffer.from(sound);
      bent.fill(0xff, at, at + 4);
      const changed = changeExif(bent, { ...size, privacy: false });
      if (changed !== undefined) expect(changed.length).toBe(bent.length);
    }
    expect(performance.now() - started).toBeLessThan(20_000);
  });

  it('a count that is larger than the file is one tag less, not none at all', () => {
    const bent = Buffer.from(sound);
    const at = bent.indexOf(Buffer.from([0x3b, 0x01, 0x02, 0x00]));
    bent.writeUInt32LE(0xffffffff, at + 4);
    const found = readExifTags(changeExif(bent, { ...size, privacy: false }) ?? Buffer.alloc(0));
    expect(found.has('image:13b')).toBe(false);
    expect(text(found, 'image:10f')).toBe('ACME');
  });

  it('a photo with nonsense for EXIF is enhanced all the same, and that is said', async () => {
    const photo = withJpegSegments(await picture().jpeg().toBuffer(), [
      exifSegment(Buffer.from('II*\0\xff\xff\xff\xff nonsense', 'latin1')),
    ]);
    const { notes } = await roundTrip(photo, folder);
    expect(notes).toEqual(['EXIF data was not kept: it is damaged.']);
  });

  it('XMP of 64 kilobytes that opens and never closes takes no time', () => {
    const started = performance.now();
    for (const piece of ['<x:a ', '<x:a>', 'x:a   ', '<x:a x:b="', '   x:b', '<!--', '<?x ']) {
      changeXmp(Buffer.from(`<x:a>${piece.repeat(65_536 / piece.length)}`), { privacy: true });
    }
    expect(performance.now() - started).toBeLessThan(5_000);
  });

  it('IPTC that breaks off is kept as far as it holds', () => {
    const datasets = iptcDatasets(IPTC);
    for (let cut = 0; cut < datasets.length; cut += 1) {
      expect(privateIptc(datasets.subarray(0, cut)).length).toBeLessThanOrEqual(cut);
    }
    expect(privateIptc(datasets)).toEqual(iptcDatasets([IPTC[0], IPTC[1], IPTC[4]]));
  });

  it('a TIFF whose directories point anywhere is no more than a TIFF without EXIF', async () => {
    const path = (await roundTrip(await photoWithAll(), folder, { format: 'tiff' })).path;
    const file = await readFile(path);
    const start = file.readUInt32LE(4);
    const bent = join(await mkdtemp(join(folder, 'bent-')), 'bent.tiff');
    for (let at = start; at + 4 <= file.length; at += 4) {
      const copy = Buffer.from(file);
      copy.fill(0xff, at, at + 4);
      await writeFile(bent, copy);
      await readTiffMetadata(bent);
    }
  });
});
