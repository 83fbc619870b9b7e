import { describeEnlargement, planEnlargement } from '../contracts/enlargement.ts';
import { DarkroomError, type ErrorCode } from '../contracts/errors.ts';
import type { EnhanceOptions } from '../contracts/options.ts';
import { checkSize, type Size, type SizeLimits } from '../contracts/result-size.ts';
import { cutTiles, tileCeiling, windowPixels, windowsOn } from '../contracts/tile-grid.ts';
import type { NetworkReport } from '../contracts/worker-report.ts';

/** A dry run: what each photo would take, by the same geometry that the engine works with. Nothing is started. */

/** A photo by its header, why it would be refused, or why nothing can be said of it before it is fetched. */
export interface PhotoToPlan {
  readonly name: string;
  readonly size?: Size;
  readonly refused?: { readonly code: ErrorCode; readonly message: string };
  readonly unknown?: string;
}

export interface PlannedPhoto {
  readonly name: string;
  readonly refused: { readonly code: ErrorCode; readonly message: string } | null;
  /** Why nothing can be said yet. */
  readonly unknown: string | null;
  readonly size: Size | null;
  readonly result: Size | null;
  /** How the size is reached, in a sentence. */
  readonly how: string | null;
  readonly networkPasses: number;
  readonly tiles: number;
  readonly memoryBytes: number;
  readonly scratchBytes: number;
  /** On one engine; null while nobody has measured. */
  readonly seconds: number | null;
}

export interface Plan {
  readonly photos: readonly PlannedPhoto[];
  readonly planned: number;
  readonly unknown: number;
  readonly tiles: number;
  readonly megapixels: number;
  readonly memoryBytes: number;
  readonly scratchBytes: number;
  readonly resultBytes: number;
  readonly seconds: number | null;
}

export interface PlanSetting extends SizeLimits {
  readonly options: EnhanceOptions;
  /** The network that serves the level, as a worker told of it; undefined while none has. */
  readonly network: NetworkReport | undefined;
  /** That the network runs on; undefined while no worker has told. */
  readonly device: string | undefined;
  readonly engines: number;
  /** Photos that those engines work on at a time. */
  readonly slots: number;
}

/** Colour and alpha of the canvas, at most. */
const CHANNELS = 4;
/** What a pixel of a result takes as a file, about: between a JPEG of a photo and a PNG of one. */
const RESULT_BYTES_PER_PIXEL = 0.8;
/** Decode, composing and encode beside the network: 0.1 to 7 % of a photo (docs/02-a-photos-way.md). */
const BESIDE_THE_NETWORK = 1.05;

export function planPhotos(photos: readonly PhotoToPlan[], setting: PlanSetting): Plan {
  const all = photos.map((photo) => planPhoto(photo, setting));
  const planned = all.filter(({ refused, unknown }) => refused === null && unknown === null);
  const sum = (of: (photo: PlannedPhoto) => number): number => planned.reduce((total, photo) => total + of(photo), 0);
  const largest = (of: (photo: PlannedPhoto) => number): number =>
    planned.reduce((most, photo) => Math.max(most, of(photo)), 0);
  const known = planned.every(({ seconds }) => seconds !== null) && setting.engines > 0;
  return {
    photos: all,
    planned: planned.length,
    unknown: all.filter(({ unknown }) => unknown !== null).length,
    tiles: sum(({ tiles }) => tiles),
    megapixels: sum(({ size }) => megapixelsOf(size)),
    memoryBytes: largest(({ memoryBytes }) => memoryBytes),
    scratchBytes: largest(({ scratchBytes }) => scratchBytes) * Math.min(planned.length, setting.slots || 2),
    resultBytes: Math.ceil(sum(({ result }) => megapixelsOf(result)) * 1e6 * RESULT_BYTES_PER_PIXEL),
    seconds: known ? sum(({ seconds }) => seconds ?? 0) / setting.engines : null,
  };
}

const megapixelsOf = (size: Size | null): number => (size === null ? 0 : (size.width * size.height) / 1e6);

const NOTHING = {
  unknown: null,
  result: null,
  how: null,
  networkPasses: 0,
  tiles: 0,
  memoryBytes: 0,
  scratchBytes: 0,
  seconds: null,
};

function planPhoto(photo: PhotoToPlan, setting: PlanSetting): PlannedPhoto {
  const { name, size, refused, unknown } = photo;
  if (unknown !== undefined) return { ...NOTHING, name, size: null, refused: null, unknown };
  if (refused !== undefined || size === undefined) {
    const reason = refused ?? {
      code: 'image_unreadable' as const,
      message: new DarkroomError('image_unreadable').message,
    };
    return { ...NOTHING, name, size: size ?? null, refused: reason };
  }
  try {
    return { name, size, refused: null, unknown: null, ...measure(size, setting) };
  } catch (error) {
    if (!(error instanceof DarkroomError)) throw error;
    return { ...NOTHING, name, size, refused: { code: error.code, message: error.message } };
  }
}

function measure(size: Size, setting: PlanSetting) {
  const { options, network } = setting;
  checkSize(size, setting);
  const enlargement = planEnlargement(size, options, network?.scale ?? 4);
  const { result, steps } = enlargement;
  const passes = steps.filter(({ kind }) => kind === 'network');
  const scratchBytes = steps.reduce((sum, { to }) => sum + to.width * to.height * CHANNELS, 0);
  const outline = { result, scratchBytes, networkPasses: passes.length };
  if (network === undefined) return { ...outline, how: null, tiles: 0, memoryBytes: 0, seconds: null };
  const windows = windowsOn(setting.device ?? 'cpu');
  const tile = tileCeiling(windows, Math.min(options.tileSize, network.tileSize));
  const grids = passes.map(({ from }) => cutTiles(from.width, from.height, tile, network.overlap, windows));
  const pixels = grids.reduce((sum, grid) => sum + windowPixels(grid).total, 0);
  const window = Math.max(...grids.map((grid) => windowPixels(grid).largest));
  const { msPerMegapixel, memory } = network;
  return {
    ...outline,
    how: describeEnlargement(enlargement, network.name),
    tiles: grids.reduce((sum, { rows, columns }) => sum + rows.length * columns.length, 0),
    memoryBytes: Math.ceil(memory.baseBytes + memory.bytesPerWindowPixel * window),
    seconds: msPerMegapixel === null ? null : (pixels / 1e9) * msPerMegapixel * BESIDE_THE_NETWORK,
  };
}
