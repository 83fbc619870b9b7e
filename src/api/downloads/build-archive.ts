import { createHash } from 'node:crypto';
import type { BatchHeader, CompletedOutcome, FailedOutcome, PhotoOutcome, PhotoRecord } from '../../contracts/batch.ts';
import { PHOTOS_PER_PAGE } from '../../contracts/ids.ts';
import { Archive, MANIFEST, type ArchivedResult } from './archive.ts';
import {
  describeFailure,
  describeResult,
  manifestHead,
  manifestLines,
  MANIFEST_MIDDLE,
  manifestTail,
  PieceList,
} from './archive-manifest.ts';
import { resultName, UniqueNames } from './result-names.ts';

/** The journal, as far as archives are made from it. An outcome never changes under its photo and round. */
export interface ArchiveSource {
  page(batchId: string, page: number): Promise<readonly PhotoRecord[]>;
  outcomesOfPage(batchId: string, page: number): Promise<ReadonlyMap<number, PhotoOutcome>>;
  ranksOfPage(batchId: string, page: number): Promise<ReadonlyMap<number, number>>;
}

/** Which photos of a batch; all of them without `chosen`. */
export interface Selection {
  readonly header: BatchHeader;
  readonly chosen?: ReadonlySet<number> | undefined;
}

/** Changes whenever an archive of the same photos would be made of other bytes. */
const FORMAT = 'zip-2';

/** The tag of an archive, told from the names of outcomes alone: they say which results there are, and which rounds. */
export async function nameArchive(source: ArchiveSource, selection: Selection): Promise<string> {
  const name = new ArchiveName(selection);
  for (const page of pagesOf(selection)) name.add(await source.ranksOfPage(selection.header.batchId, page));
  return name.tag();
}

class ArchiveName {
  readonly #hash = createHash('sha256');
  readonly #selection: Selection;

  constructor(selection: Selection) {
    this.#selection = selection;
    this.#hash.update(`${FORMAT} ${selection.header.batchId} ${selection.header.total}`);
  }

  add(ranks: ReadonlyMap<number, number>): void {
    const { chosen } = this.#selection;
    for (const index of [...ranks.keys()].sort((left, right) => left - right)) {
      if (!chosen || chosen.has(index)) this.#hash.update(` ${index}.${ranks.get(index)}`);
    }
    this.#hash.update('\n');
  }

  tag(): string {
    const chosen = this.#selection.chosen ? [...this.#selection.chosen].join() : 'all';
    return `"zip-${this.#hash.update(chosen).digest('hex')}"`;
  }
}

function pagesOf({ header, chosen }: Selection): number[] {
  const pages = Array.from({ length: Math.ceil(header.total / PHOTOS_PER_PAGE) }, (_, page) => page);
  if (!chosen) return pages;
  const wanted = new Set(Array.from(chosen, (index) => Math.floor(index / PHOTOS_PER_PAGE)));
  return pages.filter((page) => wanted.has(page));
}

/** Reads the journal once, page by page, and keeps of each result what its place in the archive needs. */
export async function buildArchive(source: ArchiveSource, selection: Selection): Promise<Archive> {
  const { header } = selection;
  const name = new ArchiveName(selection);
  const names = new UniqueNames();
  names.take(MANIFEST);
  const results: ArchivedResult[] = [];
  const manifest = new PieceList();
  const withFailures: number[] = [];
  let modifiedAt = header.createdAt;
  manifest.add(manifestHead(header));
  for (const page of pagesOf(selection)) {
    const photos = await readPage(source, selection, page);
    name.add(photos.ranks);
    if (photos.failed.length > 0) withFailures.push(page);
    const from = results.length;
    for (const { record, outcome } of photos.completed) {
      const { bytes, crc32, key, extension } = outcome.result;
      modifiedAt = Math.max(modifiedAt, outcome.finishedAt);
      results.push({
        name: names.take(resultName(record.name, extension)),
        bytes,
        crc32,
        key,
        modifiedAt: outcome.finishedAt,
      });
    }
    const write = ({ completed }: PhotosOfPage): string => writeResults(header, completed, results, from);
    manifest.add(write(photos), async () => write(await readPage(source, selection, page)));
  }
  manifest.add(MANIFEST_MIDDLE);
  const failed = await addFailures(source, selection, withFailures, manifest);
  manifest.add(manifestTail({ completed: results.length, failed }));
  return new Archive({ etag: name.tag(), modifiedAt, results, manifest });
}

/** Failures come after all results, so their pages are read a second time; they are few. */
async function addFailures(
  source: ArchiveSource,
  selection: Selection,
  pages: readonly number[],
  manifest: PieceList,
): Promise<number> {
  let count = 0;
  for (const page of pages) {
    const first = count === 0;
    const write = ({ failed }: PhotosOfPage): string => writeFailures(selection.header, failed, first);
    const photos = await readPage(source, selection, page);
    manifest.add(write(photos), async () => write(await readPage(source, selection, page)));
    count += photos.failed.length;
  }
  return count;
}

type Settled<Outcome> = readonly { readonly record: PhotoRecord; readonly outcome: Outcome }[];

interface PhotosOfPage {
  readonly completed: Settled<CompletedOutcome>;
  readonly failed: Settled<FailedOutcome>;
  readonly ranks: ReadonlyMap<number, number>;
}

async function readPage(
  source: ArchiveSource,
  { header: { batchId }, chosen }: Selection,
  page: number,
): Promise<PhotosOfPage> {
  const outcomes = await source.outcomesOfPage(batchId, page);
  const photos = (await source.page(batchId, page)).filter(({ index }) => !chosen || chosen.has(index));
  const ranks = Array.from(outcomes, ([index, outcome]) => [index, rankOf(outcome)] as const);
  const settled = photos.flatMap((record) => {
    const outcome = outcomes.get(record.index);
    return outcome ? [{ record, outcome }] : [];
  });
  return {
    ranks: new Map(ranks),
    completed: settled.flatMap(({ record, outcome }) => (outcome.status === 'completed' ? [{ record, outcome }] : [])),
    failed: settled.flatMap(({ record, outcome }) => (outcome.status === 'failed' ? [{ record, outcome }] : [])),
  };
}

const rankOf = (outcome: PhotoOutcome): number =>
  outcome.status === 'removed' ? Number.POSITIVE_INFINITY : outcome.epoch;

const writeResults = (
  { batchId }: BatchHeader,
  photos: Settled<CompletedOutcome>,
  results: readonly ArchivedResult[],
  from: number,
): string =>
  manifestLines(
    photos.map(({ record, outcome }, at) => describeResult(batchId, results[from + at]?.name ?? '', record, outcome)),
    from === 0,
  );

const writeFailures = ({ batchId }: BatchHeader, photos: Settled<FailedOutcome>, first: boolean): string =>
  manifestLines(
    photos.map(({ record, outcome }) => describeFailure(batchId, record, outcome)),
    first,
  );
