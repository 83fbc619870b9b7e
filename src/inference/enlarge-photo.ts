import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { describeEnlargement, type Enlargement, type EnlargementStep } from '../contracts/enlargement.ts';
import type { Making, RecipeStep } from '../contracts/recipe.ts';
import type { Size } from '../contracts/result-size.ts';
import { alphaAt, attachAlpha, enlargeAlpha } from './alpha.ts';
import { openCanvas, type Canvas } from './canvas.ts';
import { CanvasFile } from './canvas-file.ts';
import type { DecodedPhoto } from './decode.ts';
import { CANVAS_NAME } from './drafts.ts';
import { pasteFaces, type PreparedFaces } from './faces/face-step.ts';
import { runPass, type NetworkPass, type PassOutcome } from './network-pass.ts';
import type { PhotoJob } from './photo-job.ts';
import { tilesOf, type PhotoPlan } from './photo-plan.ts';
import { PhotoShelf } from './photo-shelf.ts';
import { fromMemory } from './pixel-source.ts';
import { blendCanvases, resampleCanvas, resamplePixels } from './resample.ts';
import type { TileShelf } from './tile-shelf.ts';
import type { Pixels, Samples } from './tiles.ts';
import type { Variant } from './variant.ts';

/** The steps of a photo's enlargement, one canvas after the other; all but the one in use are removed. */

/** What resampling may take on a slow machine; only used to judge whether an engine hangs. */
const RESAMPLE_MS_PER_MEGAPIXEL = 1_000;

export interface Enlarging {
  readonly work: PhotoJob;
  readonly variant: Variant;
  readonly plan: PhotoPlan;
  readonly photo: DecodedPhoto;
  /** Pasted into the canvas of the first pass. */
  readonly faces: PreparedFaces;
  readonly shelf: PhotoShelf;
  /** Opens what encodes the result's rows as they come; absent where the encoder needs all of them. */
  readonly openResult?: (channels: 3 | 4) => Promise<Canvas>;
}

export interface EnlargedPhoto {
  /** Its size may still be larger than the result's: the encoder reduces it. Absent when its rows are in the result already. */
  readonly canvas?: Size & { readonly path: string; readonly channels: 3 | 4 };
  readonly making: Making;
  readonly networkMs: number;
  readonly tilesReused: number;
}

/** @throws DarkroomError; the signal's reason. What is left of the canvases is for the caller to remove. */
export async function enlargePhoto(enlarging: Enlarging): Promise<EnlargedPhoto> {
  const walk = new EnlargementWalk(enlarging);
  const { steps } = enlarging.plan.enlargement;
  const { strength } = enlarging.work.job.options;
  for (const [index, step] of steps.entries()) {
    enlarging.work.signal.throwIfAborted();
    const last = index === steps.length - 1;
    if (step.kind === 'network') await walk.pass(step, steps.slice(index + 1));
    // The encoder resamples as it reads, unless the original has yet to be blended in at the result's size.
    else if (last && strength === 1) walk.leaveToEncoder(step);
    else await walk.resample(step);
  }
  if (strength < 1) await walk.blend(strength);
  return walk.outcome();
}

class EnlargementWalk {
  readonly #enlarging: Enlarging;
  readonly #done: RecipeStep[] = [];
  #canvas: (Size & { readonly path: string }) | undefined;
  #isInResult = false;
  #tilesDone = 0;
  #passes = 0;
  #networkMs = 0;
  #reused = 0;
  #seam: number | null = null;

  constructor(enlarging: Enlarging) {
    this.#enlarging = enlarging;
  }

  async pass(step: EnlargementStep, later: readonly EnlargementStep[]): Promise<void> {
    const { work, variant, plan, photo, faces, shelf } = this.#enlarging;
    const grid = plan.grids[this.#passes];
    if (grid === undefined) throw new RangeError('Expected a grid for every pass of the network');
    const from = this.#canvas;
    const file = from === undefined ? undefined : await CanvasFile.open(from.path);
    try {
      const last = !later.some(({ kind }) => kind === 'network');
      const alpha = last && photo.alpha !== undefined ? await alphaAt(photo.alpha, grid.width, grid.height) : undefined;
      const channels = alpha === undefined ? 3 : 4;
      const isResult = later.length === 0 && work.job.options.strength === 1 && faces.patches.length === 0;
      const result = isResult ? this.#enlarging.openResult : undefined;
      const to = this.#nextCanvas(step.to);
      const open = (): Promise<Canvas> =>
        result?.(channels) ?? openCanvas(to.path, to.width, to.height, channels, variant.depth);
      const outcome = await runOnto(() => shelf.next(grid), open, {
        work,
        variant,
        grid,
        tilesTotal: plan.tiles,
        tilesBefore: this.#tilesDone,
        source: file ?? fromMemory(photo.colour),
        finish: (rgb, start, end) => withAlpha(rgb, alpha, variant.model.scale, start, end),
      });
      this.#isInResult = result !== undefined;
      this.#tilesDone += tilesOf(grid);
      if (from === undefined) {
        const expect = (ms: number): void => this.#expect(ms);
        await pasteFaces(to.path, variant.model.scale, faces, { signal: work.signal, expect });
      }
      this.#canvas = to;
      this.#passes += 1;
      this.#networkMs += outcome.networkMs;
      this.#reused += outcome.reused;
      this.#seam = worse(this.#seam, outcome.seam);
      this.#done.push({ ...step, kind: 'network', tiles: tilesOf(grid) });
    } finally {
      await file?.close();
      if (from !== undefined) await rm(from.path, { force: true });
    }
  }

  async resample(step: EnlargementStep): Promise<void> {
    const to = this.#nextCanvas(step.to);
    this.#expect(resamplingMs(step.from));
    await resampleCanvas(this.#present.path, to.path, step.to, this.#enlarging.variant.depth);
    this.#canvas = to;
    this.leaveToEncoder(step);
  }

  leaveToEncoder(step: EnlargementStep): void {
    this.#done.push({ ...step, kind: 'resample', kernel: 'lanczos3' });
  }

  async blend(strength: number): Promise<void> {
    const enhanced = this.#present;
    const original = this.#nextCanvas(enhanced, '.original');
    const to = this.#nextCanvas(enhanced, '.blend');
    this.#expect(resamplingMs(enhanced));
    await resamplePixels(this.#enlarging.photo.colour, original.path, enhanced);
    await blendCanvases(enhanced.path, original.path, to.path, strength);
    this.#canvas = to;
    this.#done.push({ kind: 'blend', strength, kernel: 'lanczos3' });
  }

  outcome(): EnlargedPhoto {
    const { variant, plan, photo, faces, work } = this.#enlarging;
    const { model, share, depth } = variant;
    return {
      ...(!this.#isInResult && { canvas: { ...this.#present, channels: photo.alpha === undefined ? 3 : 4 } }),
      making: {
        steps: this.#done,
        summary: summarise(plan.enlargement, variant, work.job.options.strength),
        depth,
        ...(work.network.precisionFor(depth) === 'half' && { precision: 'half' as const }),
        denoise: model.twin === undefined ? null : (share ?? 1),
        measures: { seam: this.#seam },
        ...(faces.made === undefined ? {} : { faces: faces.made }),
      },
      networkMs: this.#networkMs,
      tilesReused: this.#reused,
    };
  }

  get #present(): Size & { readonly path: string } {
    if (this.#canvas === undefined) throw new RangeError('Expected a pass of the network before anything else');
    return this.#canvas;
  }

  #nextCanvas({ width, height }: Size, mark = ''): Size & { readonly path: string } {
    const name = `${CANVAS_NAME}.${this.#done.length}${mark}`;
    return { width, height, path: join(this.#enlarging.work.job.scratchDir, name) };
  }

  /** Tells how long what is done next may take. */
  #expect(expectedMs: number): void {
    const { work, plan } = this.#enlarging;
    work.report({ stage: 'enhancing', tilesTotal: plan.tiles, tilesDone: this.#tilesDone, expectedMs });
  }
}

/** One pass onto a canvas that is opened for it. */
async function runOnto(
  openShelf: () => Promise<TileShelf>,
  open: () => Promise<Canvas>,
  pass: Omit<NetworkPass, 'canvas' | 'shelf'>,
): Promise<PassOutcome> {
  const shelf = await openShelf();
  const canvas = await open();
  try {
    return await runPass({ ...pass, canvas, shelf });
  } finally {
    shelf.close();
    await canvas.close();
  }
}

const resamplingMs = ({ width, height }: Size): number => (width * height * RESAMPLE_MS_PER_MEGAPIXEL) / 1e6;

async function withAlpha(rgb: Samples, alpha: Pixels | undefined, scale: number, start: number, end: number) {
  return alpha === undefined ? rgb : attachAlpha(rgb, await enlargeAlpha(alpha, scale, start, end));
}

const worse = (a: number | null, b: number | null): number | null =>
  a === null || b === null ? (a ?? b) : Math.max(a, b);

function summarise(enlargement: Enlargement, { model, share }: Variant, strength: number): string {
  const network = share === null ? model.name : `${model.name} (denoise ${share})`;
  const enlarged = describeEnlargement(enlargement, network);
  if (strength === 1) return enlarged;
  return `${enlarged} That counts for ${Math.round(strength * 100)} %, the photo itself resampled to that size (Lanczos) for the rest.`;
}
