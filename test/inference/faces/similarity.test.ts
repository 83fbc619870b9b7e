/** The similarity found from five points is the one they were made with, and the best there is where none fits. */
import { expect, it } from 'vitest';
import { TEMPLATE } from '../../../src/inference/faces/face-crop.ts';
import {
  chain,
  enlargement,
  fitSimilarity,
  inverse,
  mapPoint,
  meanDistance,
  scaleOf,
  type Similarity,
} from '../../../src/inference/faces/similarity.ts';

const turned = (scale: number, degrees: number, dx: number, dy: number): Similarity => {
  const angle = (degrees * Math.PI) / 180;
  return { a: scale * Math.cos(angle), b: scale * Math.sin(angle), dx, dy };
};

const CASES = [turned(1, 0, 0, 0), turned(5.2, 17, -300, 40), turned(0.6, -121, 900, 1200), turned(0.11, 179, 7, -3)];

it.each(CASES)('finds the similarity that points were moved by: %o', (known) => {
  const { fit, residual } = fitSimilarity(
    TEMPLATE,
    TEMPLATE.map((point) => mapPoint(known, point)),
  );
  expect(fit.a).toBeCloseTo(known.a, 9);
  expect(fit.b).toBeCloseTo(known.b, 9);
  expect(fit.dx).toBeCloseTo(known.dx, 6);
  expect(fit.dy).toBeCloseTo(known.dy, 6);
  expect(residual).toBeLessThan(1e-6);
});

it.each(CASES)('goes there and back: %o', (known) => {
  const back = chain(known, inverse(known));
  for (const point of TEMPLATE) {
    expect(meanDistance([mapPoint(back, point)], [point])).toBeLessThan(1e-9);
    expect(
      meanDistance([mapPoint(chain(known, enlargement(4)), point)], [mapPoint(enlargement(4), mapPoint(known, point))]),
    ).toBeLessThan(1e-6);
  }
  expect(scaleOf(inverse(known))).toBeCloseTo(1 / scaleOf(known), 9);
});

it('is the best in the least-squares sense when no similarity fits, and never mirrors', () => {
  const mirrored = TEMPLATE.map(({ x, y }) => ({ x: -x, y: y + x / 9 }));
  const { fit } = fitSimilarity(TEMPLATE, mirrored);
  const squares = (similarity: Similarity): number =>
    TEMPLATE.reduce((sum, point, index) => {
      const at = mapPoint(similarity, point);
      const to = mirrored[index] ?? at;
      return sum + (at.x - to.x) ** 2 + (at.y - to.y) ** 2;
    }, 0);
  const best = squares(fit);
  for (const nudge of [0.01, -0.01]) {
    expect(squares({ ...fit, a: fit.a + nudge })).toBeGreaterThan(best);
    expect(squares({ ...fit, b: fit.b + nudge })).toBeGreaterThan(best);
    expect(squares({ ...fit, dx: fit.dx + nudge })).toBeGreaterThan(best);
    expect(squares({ ...fit, dy: fit.dy + nudge })).toBeGreaterThan(best);
  }
});

it('keeps the centres of pixels where they are in the scene', () => {
  // The first pixel's centre lies half a pixel from the edge, at any size.
  expect(mapPoint(enlargement(4), { x: -0.5, y: -0.5 })).toEqual({ x: -0.5, y: -0.5 });
  expect(mapPoint(enlargement(4), { x: 0, y: 10 })).toEqual({ x: 1.5, y: 41.5 });
});
