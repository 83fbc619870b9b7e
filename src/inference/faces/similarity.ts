/** Turning, scaling and shifting between two planes; pixel centres lie at whole numbers. */

export interface Point {
  readonly x: number;
  readonly y: number;
}

/** `x' = a*x - b*y + dx`, `y' = b*x + a*y + dy`. */
export interface Similarity {
  readonly a: number;
  readonly b: number;
  readonly dx: number;
  readonly dy: number;
}

export const mapPoint = ({ a, b, dx, dy }: Similarity, { x, y }: Point): Point => ({
  x: a * x - b * y + dx,
  y: b * x + a * y + dy,
});

/** How many times larger lengths become. */
export const scaleOf = ({ a, b }: Similarity): number => Math.hypot(a, b);

export function inverse({ a, b, dx, dy }: Similarity): Similarity {
  const square = a * a + b * b;
  return { a: a / square, b: -b / square, dx: -(a * dx + b * dy) / square, dy: (b * dx - a * dy) / square };
}

/** First `first`, then `second`. */
export function chain(first: Similarity, second: Similarity): Similarity {
  const { x: dx, y: dy } = mapPoint(second, { x: first.dx, y: first.dy });
  return {
    a: second.a * first.a - second.b * first.b,
    b: second.b * first.a + second.a * first.b,
    dx,
    dy,
  };
}

/** From pixels of a picture to those of the same picture `factor` times larger: pixel centres stay where they are in the scene. */
export const enlargement = (factor: number): Similarity => ({
  a: factor,
  b: 0,
  dx: (factor - 1) / 2,
  dy: (factor - 1) / 2,
});

/**
 * The similarity that brings `from` closest to `to` in the least-squares sense (Umeyama's, in two dimensions and without
 * mirroring), and what distance is left on average, in pixels of `to`.
 */
export function fitSimilarity(from: readonly Point[], to: readonly Point[]): { fit: Similarity; residual: number } {
  const centreFrom = meanOf(from);
  const centreTo = meanOf(to);
  let along = 0;
  let across = 0;
  let square = 0;
  for (const [index, point] of from.entries()) {
    const target = to[index];
    if (target === undefined) throw new RangeError(`Expected ${from.length} points but received ${to.length}`);
    const [px, py] = [point.x - centreFrom.x, point.y - centreFrom.y];
    const [qx, qy] = [target.x - centreTo.x, target.y - centreTo.y];
    along += px * qx + py * qy;
    across += px * qy - py * qx;
    square += px * px + py * py;
  }
  const a = along / square;
  const b = across / square;
  const turned = mapPoint({ a, b, dx: 0, dy: 0 }, centreFrom);
  const fit = { a, b, dx: centreTo.x - turned.x, dy: centreTo.y - turned.y };
  return {
    fit,
    residual: meanDistance(
      from.map((point) => mapPoint(fit, point)),
      to,
    ),
  };
}

export function meanDistance(points: readonly Point[], others: readonly Point[]): number {
  const sum = points.reduce((total, { x, y }, index) => {
    const other = others[index];
    return total + (other === undefined ? Infinity : Math.hypot(x - other.x, y - other.y));
  }, 0);
  return sum / points.length;
}

const meanOf = (points: readonly Point[]): Point => ({
  x: points.reduce((sum, { x }) => sum + x, 0) / points.length,
  y: points.reduce((sum, { y }) => sum + y, 0) / points.length,
});
