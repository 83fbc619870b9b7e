import { createHash } from 'node:crypto';
import { mkdir, open, readFile, type FileHandle } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import type { EnhanceOptions } from '../../contracts/options.ts';
import { notePlace } from './batch-place.ts';
import type { FoundPhoto } from './collect-photos.ts';

/**
 * What was ordered for one destination (a results' folder, or in place) with the same options, line by line: the batches that
 * were made and the files that were put there. It is what lets the same command go on after any interruption.
 */

const photoSchema = z.object({
  path: z.string(),
  bytes: z.int(),
  modifiedMs: z.number(),
  name: z.string(),
  etag: z.string().optional(),
  target: z.string().optional(),
});
const lineSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('batch'), batchId: z.string(), photos: z.array(photoSchema) }),
  /** In a folder: written before the file gets its name. In place: written when the file was seen to be the result. */
  z.object({
    type: z.literal('file'),
    batchId: z.string(),
    index: z.int(),
    /** Relative to the folder; absolute in place. */
    file: z.string(),
    bytes: z.int(),
    width: z.int(),
    height: z.int(),
    sha256: z.string(),
    /** In place: tells a file that nobody touched since. */
    modifiedMs: z.number().optional(),
  }),
]);
type Line = z.infer<typeof lineSchema>;
export type PlacedFile = Omit<Extract<Line, { type: 'file' }>, 'type' | 'batchId' | 'index'>;

/** A photo as an earlier run of the command knew it. */
export interface OrderedPhoto {
  readonly batchId: string;
  readonly index: number;
  readonly photo: FoundPhoto;
  placed: PlacedFile | undefined;
}

interface RecordPlace {
  readonly dataDir: string;
  readonly name: string;
  /** The results' folder; null for orders in place. */
  readonly folder: string | null;
}

export class OrderRecord {
  readonly #place: RecordPlace;
  readonly #file: FileHandle;
  readonly #photos = new Map<string, OrderedPhoto>();
  readonly #byPath = new Map<string, OrderedPhoto[]>();
  readonly #batches = new Map<string, OrderedPhoto[]>();
  readonly #names = new Set<string>();

  private constructor(place: RecordPlace, file: FileHandle) {
    this.#place = place;
    this.#file = file;
  }

  /** @param folder - the results' folder, null for orders in place. */
  static async open(dataDir: string, folder: string | null, options: EnhanceOptions): Promise<OrderRecord> {
    const order = JSON.stringify([folder, options]);
    const name = createHash('sha256').update(order).digest('hex').slice(0, 32);
    return await OrderRecord.openNamed({ dataDir, name, folder });
  }

  static async openNamed(place: RecordPlace): Promise<OrderRecord> {
    const path = join(place.dataDir, 'cli', `${place.name}.jsonl`);
    await mkdir(dirname(path), { recursive: true });
    const written = await readFile(path, 'utf8').catch(() => '');
    const record = new OrderRecord(place, await open(path, 'a'));
    for (const line of written.split('\n')) record.#learn(parseLine(line));
    // A line that broke off when the power went must not swallow the next one.
    if (written !== '' && !written.endsWith('\n')) await record.#file.write('\n');
    return record;
  }

  /** The latest order of exactly this file; `undefined` when it is new or has changed since. */
  find(photo: FoundPhoto): OrderedPhoto | undefined {
    return this.#photos.get(keyOf(photo));
  }

  /** Every order of the file at this path, whatever it was like, newest first. */
  ordersOf(path: string): readonly OrderedPhoto[] {
    return (this.#byPath.get(path) ?? []).toReversed();
  }

  photosOf(batchId: string): readonly OrderedPhoto[] {
    return this.#batches.get(batchId) ?? [];
  }

  /** Whether a file of this name (lower case, relative to the folder) was put there by an earlier line. */
  readonly names = { has: (name: string): boolean => this.#names.has(name) };

  async addBatch(batchId: string, photos: readonly FoundPhoto[]): Promise<void> {
    const { dataDir, name, folder } = this.#place;
    await notePlace(dataDir, batchId, { record: name, folder });
    await this.#append({ type: 'batch', batchId, photos: [...photos] });
  }

  async addFile(ordered: Pick<OrderedPhoto, 'batchId' | 'index'>, placed: PlacedFile): Promise<void> {
    await this.#append({ type: 'file', batchId: ordered.batchId, index: ordered.index, ...placed });
  }

  async close(): Promise<void> {
    await this.#file.close();
  }

  async #append(line: Line): Promise<void> {
    await this.#file.write(`${JSON.stringify(line)}\n`);
    await this.#file.sync();
    this.#learn(line);
  }

  #learn(line: Line | undefined): void {
    if (line?.type === 'batch') {
      const { batchId } = line;
      const photos = line.photos.map((photo, index): OrderedPhoto => ({ batchId, index, photo, placed: undefined }));
      this.#batches.set(batchId, photos);
      for (const ordered of photos) {
        this.#photos.set(keyOf(ordered.photo), ordered);
        const orders = this.#byPath.get(ordered.photo.path);
        if (orders === undefined) this.#byPath.set(ordered.photo.path, [ordered]);
        else orders.push(ordered);
      }
    } else if (line?.type === 'file') {
      const ordered = this.#batches.get(line.batchId)?.[line.index];
      if (ordered !== undefined) ordered.placed = line;
      this.#names.add(line.file.toLowerCase());
    }
  }
}

const keyOf = ({ path, bytes, modifiedMs }: FoundPhoto): string => `${path}\0${bytes}\0${modifiedMs}`;

function parseLine(line: string): Line | undefined {
  try {
    return lineSchema.safeParse(JSON.parse(line)).data;
  } catch {
    return undefined; // the last line of a run that was cut off
  }
}
