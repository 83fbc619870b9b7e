import { get, type IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { fromBuffer, fromRandomAccessReader, RandomAccessReader, type Entry, type ZipFile } from 'yauzl';

/** ZIP files through the eyes of a reader that is not ours. */

/** A ZIP and its directory; the reader compares the checksums of members that are read. */
interface OpenZip {
  readonly entries: Entry[];
  content(index: number): Promise<Buffer>;
}

/** All members of a ZIP. */
export async function readZipBuffer(bytes: Buffer): Promise<Map<string, Buffer>> {
  const zip = await openZipBuffer(bytes);
  const members = new Map<string, Buffer>();
  for (const [index, { fileName }] of zip.entries.entries()) members.set(fileName, await zip.content(index));
  return members;
}

export async function openZipBuffer(bytes: Buffer): Promise<OpenZip> {
  const zip = await new Promise<ZipFile>((resolve, reject) => {
    fromBuffer(bytes, { lazyEntries: true, strictFileNames: true }, (error, opened) =>
      error ? reject(error) : resolve(opened),
    );
  });
  return withDirectory(zip);
}

/** Reads a ZIP at an address by ranges, as much of it as is asked for. */
export async function openRemoteZip(url: string, bytes: number): Promise<OpenZip> {
  const reader = new RemoteReader(url, bytes);
  const zip = await new Promise<ZipFile>((resolve, reject) => {
    fromRandomAccessReader(
      reader,
      bytes,
      { lazyEntries: true, autoClose: false, strictFileNames: true },
      (error, opened) => (error ? reject(error) : resolve(opened)),
    );
  });
  return withDirectory(zip);
}

async function withDirectory(zip: ZipFile): Promise<OpenZip> {
  const entries = await entriesOf(zip);
  return {
    entries,
    content(index) {
      const entry = entries[index];
      if (!entry) throw new RangeError(`Expected one of ${entries.length} members`);
      return contentOf(zip, entry);
    },
  };
}

/** The directory is at the end: it is fetched once, not entry by entry. */
const TAIL_BYTES = 256 * 1024;

class RemoteReader extends RandomAccessReader {
  readonly #url: string;
  readonly #tailAt: number;
  readonly #tail: Promise<Buffer>;

  constructor(url: string, bytes: number) {
    super();
    this.#url = url;
    this.#tailAt = Math.max(0, bytes - TAIL_BYTES);
    this.#tail = this.#fetch(this.#tailAt, bytes).then((stream) => buffer(stream));
  }

  override _readStreamForRange(start: number, end: number): Readable {
    return Readable.from(this.#read(start, end), { objectMode: false });
  }

  async *#read(start: number, end: number): AsyncGenerator<Buffer> {
    if (start < this.#tailAt) yield* await this.#fetch(start, end);
    else yield (await this.#tail).subarray(start - this.#tailAt, end - this.#tailAt);
  }

  #fetch(start: number, end: number): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      get(this.#url, { headers: { range: `bytes=${start}-${end - 1}` } }, (response) => {
        if (response.statusCode === 206) resolve(response);
        else reject(new Error(`status ${response.statusCode}`));
      }).on('error', reject);
    });
  }
}

const entriesOf = (zip: ZipFile): Promise<Entry[]> =>
  new Promise((resolve, reject) => {
    const entries: Entry[] = [];
    zip.on('error', reject);
    zip.on('end', () => resolve(entries));
    zip.on('entry', (entry: Entry) => {
      entries.push(entry);
      zip.readEntry();
    });
    zip.readEntry();
  });

const contentOf = (zip: ZipFile, entry: Entry): Promise<Buffer> =>
  new Promise((resolve, reject) => {
    zip.openReadStream(entry, (error, stream) => (error ? reject(error) : resolve(buffer(stream))));
  });
