import type { EnhanceOptions } from './options.ts';
import { resultSize, type Size } from './result-size.ts';

/** How a photo gets from its size to that of its result. The networks enlarge by one factor only; what is left is resampled. */

export interface EnlargementStep {
  readonly kind: 'network' | 'resample';
  readonly from: Size;
  readonly to: Size;
}

export interface Enlargement {
  /** In order. At most two passes of the network, and at most one resampling after each. */
  readonly steps: readonly EnlargementStep[];
  readonly result: Size;
}

const sameSize = (a: Size, b: Size): boolean => a.width === b.width && a.height === b.height;

/**
 * Up to the network's own factor: one pass, reduced to what was asked for. Beyond it: the first pass is reduced to the size from
 * which a second pass gives the result, so that 8 times is 4, then half of that, then 4 again. A second pass over all of the
 * first would cost four times as much, and looked the same (docs/03-models.md).
 * @param networkScale - by how much one pass enlarges.
 * @throws DarkroomError `enlargement_too_large`.
 */
export function planEnlargement(
  photo: Size,
  options: Pick<EnhanceOptions, 'scale' | 'targetWidth' | 'targetHeight'>,
  networkScale: number,
): Enlargement {
  const result = resultSize(photo, options);
  const steps: EnlargementStep[] = [];
  let size: Size = { width: photo.width, height: photo.height };
  const resample = (to: Size): void => {
    if (!sameSize(size, to)) steps.push({ kind: 'resample', from: size, to });
    size = to;
  };
  const pass = (): void => {
    const to = { width: size.width * networkScale, height: size.height * networkScale };
    steps.push({ kind: 'network', from: size, to });
    size = to;
  };
  pass();
  if (result.width > size.width || result.height > size.height) {
    resample({ width: Math.ceil(result.width / networkScale), height: Math.ceil(result.height / networkScale) });
    pass();
  }
  resample(result);
  return { steps, result };
}

const text = ({ width, height }: Size): string => `${width} x ${height}`;

/** The same in a sentence for people. */
export function describeEnlargement({ steps }: Enlargement, model: string): string {
  const passes = steps.filter(({ kind }) => kind === 'network').length;
  const parts = steps.map(({ kind, from, to }) => {
    if (kind === 'network') return `enlarged ${to.width / from.width} times by ${model} to ${text(to)}`;
    return `${to.width > from.width ? 'enlarged' : 'reduced'} to ${text(to)} by resampling (Lanczos)`;
  });
  const first = steps[0];
  return `${passes === 1 ? 'One pass' : 'Two passes'} of the network: ${first === undefined ? '' : text(first.from)}, ${parts.join(', then ')}.`;
}
