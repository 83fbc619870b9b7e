import { Readable } from 'node:stream';
import { crc32 } from 'node:zlib';
import type { Store } from '../../storage/store.ts';
import type { PieceList } from './archive-manifest.ts';
import type { ByteRange } from './byte-ranges.ts';
import { readZip } from './read-zip.ts';
import { ZipLayout, type ZipMember } from './zip-layout.ts';

/** A result as a member of an archive. */
export interface ArchivedResult extends ZipMember {
  readonly key: string;
}

export const MANIFEST = 'manifest.json';

/** A ZIP of results as it would be, with a manifest as its last member: small in memory, whatever it holds. */
export class Archive {
  /** Names the content: the same results make the same archive, byte for byte. */
  readonly etag: string;
  readonly results: readonly ArchivedResult[];
  readonly #layout: ZipLayout;
  readonly #manifest: PieceList;

  constructor(parts: { etag: string; modifiedAt: number; results: readonly ArchivedResult[]; manifest: PieceList }) {
    const { results, manifest, modifiedAt } = parts;
    this.etag = parts.etag;
    this.results = results;
    this.#manifest = manifest;
    const last = { name: MANIFEST, bytes: manifest.bytes, crc32: manifest.crc32, modifiedAt };
    this.#layout = new ZipLayout([...results, last]);
  }

  get bytes(): number {
    return this.#layout.bytes;
  }

  /** Reads on from any byte. What is no longer as it was breaks the stream off. */
  open(store: Store, range: ByteRange): Readable {
    const read = (index: number, part: ByteRange): AsyncIterable<Uint8Array> => {
      const result = this.results[index];
      return result ? readObject(store, result.key, part) : this.#readManifest(part);
    };
    return Readable.from(readZip(this.#layout, read, range), { objectMode: false });
  }

  async *#readManifest({ start, end }: ByteRange): AsyncGenerator<Uint8Array> {
    let at = 0;
    for (const piece of this.#manifest.pieces) {
      const from = at;
      at += piece.bytes;
      if (at <= start || from > end) continue;
      const content = Buffer.from(await piece.make());
      if (content.length !== piece.bytes || crc32(content) !== piece.crc32) throw new Error('The journal has changed.');
      yield content.subarray(Math.max(start - from, 0), end - from + 1);
    }
  }
}

async function* readObject(store: Store, key: string, range: ByteRange): AsyncGenerator<Uint8Array> {
  for await (const chunk of await store.open(key, range)) yield chunk as Uint8Array;
}
