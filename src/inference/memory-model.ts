import type { EngineModel } from './protocol.ts';

/** Time per pixel is flat from 200 pixels up, memory is not: a tile is as large as asked for and as memory allows. */

const SMALLEST = 96;
const LARGEST = 512;

/**
 * Peak memory ≈ base + perWindowPixel * window area, hence the largest tile that a budget allows.
 * @returns side in pixels of the photo, never above `ceiling`.
 */
export function tileWithin(model: EngineModel, ceiling: number, budgetBytes: number): number {
  const { baseBytes, bytesPerWindowPixel } = model.memory;
  const window = Math.sqrt(Math.max(0, budgetBytes - baseBytes) / bytesPerWindowPixel);
  const affordable = Math.floor(window) - 2 * model.overlap.pixels;
  return Math.min(ceiling, Math.max(SMALLEST, Math.min(LARGEST, affordable)));
}
