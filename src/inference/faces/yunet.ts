import type { Point } from './similarity.ts';

/** YuNet's own language: what goes in, and what its twelve outputs say. */

export interface DetectedFace {
  readonly score: number;
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
  /** Eyes, nose, corners of the mouth, left before right as one sees them. */
  readonly points: readonly Point[];
}

export interface Tensor {
  readonly data: Float32Array<ArrayBuffer>;
  readonly dims: readonly number[];
}

/** Sides must be multiples of it: the coarsest of its grids. */
export const YUNET_STEP = 32;
const STRIDES = [8, 16, 32] as const;
const MIN_SCORE = 0.6;
const MAX_OVERLAP = 0.3;

/** Blue, green, red, 0..255, `[1, 3, H, W]`; the picture fills the upper left, the rest is black. */
export function yunetInput(rgb: Uint8Array, width: number, height: number): Tensor {
  const paddedWidth = Math.ceil(width / YUNET_STEP) * YUNET_STEP;
  const paddedHeight = Math.ceil(height / YUNET_STEP) * YUNET_STEP;
  const plane = paddedWidth * paddedHeight;
  const data = new Float32Array(3 * plane);
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      const from = (y * width + x) * 3;
      const to = y * paddedWidth + x;
      data[to] = rgb[from + 2] ?? 0;
      data[plane + to] = rgb[from + 1] ?? 0;
      data[2 * plane + to] = rgb[from] ?? 0;
    }
  }
  return { data, dims: [1, 3, paddedHeight, paddedWidth] };
}

/**
 * Faces in pixels of the input, each once. `outputs` has `cls_8`, `obj_8`, `bbox_8`, `kps_8` and the same of 16 and 32;
 * a cell of a grid says how likely a face is there, and box and points relative to the cell in units of the stride.
 */
export function readYunet(outputs: ReadonlyMap<string, Float32Array>, width: number, height: number): DetectedFace[] {
  const found: DetectedFace[] = [];
  for (const stride of STRIDES) {
    const columns = Math.ceil(width / YUNET_STEP) * (YUNET_STEP / stride);
    const cells = columns * Math.ceil(height / YUNET_STEP) * (YUNET_STEP / stride);
    const [likely, there, boxes, points] = ['cls', 'obj', 'bbox', 'kps'].map((name) => {
      const values = outputs.get(`${name}_${stride}`);
      if (values === undefined) throw new Error(`Expected the face detector to answer ${name}_${stride}`);
      return values;
    });
    for (let cell = 0; cell < cells; cell += 1) {
      const score = Math.sqrt(unit(likely?.[cell]) * unit(there?.[cell]));
      if (score < MIN_SCORE || boxes === undefined || points === undefined) continue;
      found.push(
        readCell(score, cell % columns, Math.floor(cell / columns), stride, {
          box: boxes.subarray(cell * 4, cell * 4 + 4),
          points: points.subarray(cell * 10, cell * 10 + 10),
        }),
      );
    }
  }
  return oneEach(found);
}

function readCell(
  score: number,
  column: number,
  row: number,
  stride: number,
  cell: { readonly box: Float32Array; readonly points: Float32Array },
): DetectedFace {
  const [dx = 0, dy = 0, logWidth = 0, logHeight = 0] = cell.box;
  const width = Math.exp(logWidth) * stride;
  const height = Math.exp(logHeight) * stride;
  const points = Array.from({ length: 5 }, (_, index) => ({
    x: (column + (cell.points[index * 2] ?? 0)) * stride,
    y: (row + (cell.points[index * 2 + 1] ?? 0)) * stride,
  }));
  return {
    score,
    width,
    height,
    points,
    left: (column + dx) * stride - width / 2,
    top: (row + dy) * stride - height / 2,
  };
}

/** Of faces that overlap, the likeliest. */
export function oneEach(faces: readonly DetectedFace[]): DetectedFace[] {
  const kept: DetectedFace[] = [];
  for (const face of [...faces].sort((a, b) => b.score - a.score)) {
    if (kept.every((other) => overlap(face, other) <= MAX_OVERLAP)) kept.push(face);
  }
  return kept;
}

/** Shared area as part of the area both cover. */
export function overlap(one: DetectedFace, other: DetectedFace): number {
  const width = Math.min(one.left + one.width, other.left + other.width) - Math.max(one.left, other.left);
  const height = Math.min(one.top + one.height, other.top + other.height) - Math.max(one.top, other.top);
  if (width <= 0 || height <= 0) return 0;
  const shared = width * height;
  return shared / (one.width * one.height + other.width * other.height - shared);
}

const unit = (value: number | undefined): number => Math.max(0, Math.min(1, value ?? 0));
