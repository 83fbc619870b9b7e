import type { Archive } from './archive.ts';
import { buildArchive, nameArchive, type ArchiveSource, type Selection } from './build-archive.ts';

/** Results that archives in memory may have all together; about 300 bytes each. */
const RESULTS_AT_MOST = 200_000;
const ADDRESSES_AT_MOST = 1000;

/** Archives that were asked for, laid out: a download that goes on, or comes in pieces, need not read the journal again. */
export class ArchiveShelf {
  readonly #source: ArchiveSource;
  readonly #archives = new Map<string, Archive>();
  readonly #underWay = new Map<string, Promise<Archive>>();
  /** Tags of archives that clients have the beginning of, by address. */
  readonly #cut = new Map<string, Set<string>>();

  constructor(source: ArchiveSource) {
    this.#source = source;
  }

  /** The archive of photos as they are now. */
  async find(selection: Selection): Promise<Archive> {
    const tag = await nameArchive(this.#source, selection);
    const known = this.#archives.get(tag);
    if (known) return this.#keep(known);
    const building = this.#underWay.get(tag) ?? this.#build(tag, selection);
    return this.#keep(await building);
  }

  /**
   * Whether the beginning that a client has can only be of this version, when it asks for the rest and does not say of which:
   * no other one was cut short at this address. `ended`: whether versions come to an end with this one.
   */
  isOnlyOne(address: string, { etag }: Archive, ended: boolean): boolean {
    const cut = this.#cut.get(address);
    return cut ? cut.size === 1 && cut.has(etag) : ended;
  }

  noteCut(address: string, { etag }: Archive): void {
    const cut = this.#cut.get(address) ?? new Set();
    this.#cut.delete(address);
    this.#cut.set(address, cut.add(etag));
    const [oldest] = this.#cut.keys();
    if (this.#cut.size > ADDRESSES_AT_MOST && oldest !== undefined) this.#cut.delete(oldest);
  }

  #build(tag: string, selection: Selection): Promise<Archive> {
    const building = buildArchive(this.#source, selection).finally(() => this.#underWay.delete(tag));
    this.#underWay.set(tag, building);
    return building;
  }

  /** By its own tag: a photo may have been finished between naming and building. */
  #keep(archive: Archive): Archive {
    this.#archives.delete(archive.etag);
    this.#archives.set(archive.etag, archive);
    let results = 0;
    for (const [tag, { results: held }] of [...this.#archives].toReversed()) {
      results += held.length + 1;
      if (results > RESULTS_AT_MOST && tag !== archive.etag) this.#archives.delete(tag);
    }
    return archive;
  }
}
