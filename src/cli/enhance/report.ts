import type { BatchView, PhotoView } from '../../batches/batch-service.ts';
import type { PhotoError } from '../../contracts/batch.ts';
import { countPhotos, drawBar, duration, type Terminal } from '../terminal.ts';
import type { FoundPhoto } from './collect-photos.ts';
import type { OrderedPhoto, PlacedFile } from './order-record.ts';

interface ReportedFile {
  readonly source: string;
  /** `kept` was done by an earlier run. */
  readonly status: 'completed' | 'kept' | 'failed';
  /** Relative to the results' folder, absolute in place; null when there is none. */
  readonly file: string | null;
  readonly width: number | null;
  readonly height: number | null;
  readonly error: { readonly code: string; readonly message: string; readonly hint: string } | null;
}

/** How the end of the story is told. */
export interface Ending {
  readonly json: boolean;
  /** The results' folder; null in place. */
  readonly folder: string | null;
  /** Begins the commands that people are told to type. */
  readonly command: string;
}

/** What `enhance` tells: a line for each photo and a bar for people, one object for programs. */
export class EnhanceReport {
  readonly #terminal: Terminal;
  readonly #total: number;
  readonly #operations = new Set<string>();
  /** Those of this run. */
  readonly #begun = new Set<string>();
  readonly #files = new Map<string, ReportedFile>();

  constructor(terminal: Terminal, total: number) {
    this.#terminal = terminal;
    this.#total = total;
  }

  get failed(): number {
    return this.#count('failed');
  }

  began(continued: boolean): void {
    const kept = this.#count('kept');
    if (kept > 0) this.#terminal.line(`${kept} of ${countPhotos(this.#total)} done before and not done again.`);
    if (continued) this.#terminal.line('Going on with what was begun before.');
  }

  /** The batches that do the work of this run. */
  ordered(operations: readonly string[]): void {
    for (const operation of operations) {
      this.#operations.add(operation);
      this.#begun.add(operation);
    }
  }

  kept(ordered: OrderedPhoto): void {
    // What this very run has put there is not news when it has to begin again elsewhere.
    if (!this.#files.has(ordered.photo.path))
      this.#files.set(ordered.photo.path, done(ordered, 'kept', ordered.placed));
    this.#operations.add(ordered.batchId);
  }

  photoDone({ batchId, photo }: OrderedPhoto, placed: PlacedFile): void {
    this.#files.set(photo.path, done({ batchId, photo }, 'completed', placed));
    const arrow = placed.file === photo.path ? '' : ` → ${placed.file}`;
    this.#terminal.line(`done    ${photo.name}${arrow} (${placed.width} × ${placed.height})`);
  }

  photoFailed({ photo }: OrderedPhoto, { error, message }: PhotoView): void {
    this.refused(photo, error ?? { code: 'internal', message, hint: '' });
  }

  refused({ path, name }: FoundPhoto, error: PhotoError): void {
    if (!this.#files.has(path)) this.#terminal.line(`failed  ${name}: ${error.message} ${error.hint}`);
    this.#files.set(path, { source: path, status: 'failed', file: null, width: null, height: null, error });
  }

  /** Said before the first file is replaced. */
  willReplace(photos: number, operations: readonly string[], command: string): void {
    const [results, originals] =
      photos === 1 ? ['its result', 'the original is'] : ['their results', 'the originals are'];
    this.#terminal.line(`${countPhotos(photos)} will be replaced by ${results}; ${originals} kept. To undo:`);
    this.#terminal.line(`  ${command} rollback ${operations.join(' ')}`);
  }

  look(views: readonly BatchView[]): void {
    const weight = views.reduce((sum, view) => sum + view.header.kilopixels, 0);
    const weigh = (view: BatchView): number => (weight > 0 ? view.header.kilopixels / weight : 1 / views.length);
    const share = views.length === 0 ? 1 : views.reduce((sum, view) => sum + view.share * weigh(view), 0);
    const etas = views.filter(({ open }) => open).map(({ eta }) => eta);
    const left = etas.length === 0 || etas.includes(null) ? '' : `  ${duration(Math.max(...etas.map(Number)))} left`;
    const failed = this.failed > 0 ? `  ${this.failed} failed` : '';
    const paused = views.some(({ state }) => state === 'paused') ? '  paused' : '';
    const text = `${drawBar(share)}  ${this.#files.size} of ${countPhotos(this.#total)}${failed}${left}${paused}`;
    this.#terminal.bar(text, share);
  }

  finish({ json, folder, command }: Ending): void {
    this.#terminal.endBar();
    const [completed, kept, failed] = [this.#count('completed'), this.#count('kept'), this.failed];
    const before = kept > 0 ? `, ${kept} done before` : '';
    const undo = completed === 0 ? '' : ` To undo: ${command} rollback ${[...this.#begun].join(' ')}`;
    const where = folder === null ? `.${undo}` : `. Results are in ${folder}`;
    this.#terminal.line(`${completed} enhanced${before}, ${failed} failed${where}`);
    if (!json) return;
    const operations = [...this.#operations];
    const counts = { total: this.#total, completed, kept, failed };
    const answer = { operation_id: operations.at(-1) ?? null, operation_ids: operations, out: folder, counts };
    process.stdout.write(`${JSON.stringify({ ...answer, files: [...this.#files.values()] })}\n`);
  }

  #count(status: ReportedFile['status']): number {
    return [...this.#files.values()].filter((file) => file.status === status).length;
  }
}

const done = (
  { photo }: Pick<OrderedPhoto, 'batchId' | 'photo'>,
  status: 'completed' | 'kept',
  placed: PlacedFile | undefined,
): ReportedFile => ({
  source: photo.path,
  status,
  file: placed?.file ?? null,
  width: placed?.width ?? null,
  height: placed?.height ?? null,
  error: null,
});
