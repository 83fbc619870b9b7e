import type { EngineModel } from './protocol.ts';

/** Time per pixel is flat from 200 pixels up, memory is not: a tile is as large as asked for and as memory allows. */

/** Halvings of the ceiling that are tried. Few sizes, so that a measurement that wavers changes neither tiles nor bytes. */
const HALVINGS = 2;

/**
 * What a session takes with a tile of this side, in pixels of the photo.
 * @param measured - bytes a window's pixel was seen to take on this machine; the catalogue's figure until then.
 */
export function bytesWithTile({ memory, overlap }: EngineModel, tile: number, measured?: number): number {
  return memory.baseBytes + (measured ?? memory.bytesPerWindowPixel) * (tile + 2 * overlap.pixels) ** 2;
}

/** Share of a device's memory that is used: drivers, the desktop and other programs need the rest. */
export const DEVICE_SHARE = 0.8;

/**
 * Peak memory ≈ base + perWindowPixel * window area, hence the largest tile that a budget allows.
 * @param measured - as of {@link bytesWithTile}.
 * @returns side in pixels of the photo: the ceiling, half of it, or a quarter (512, 256, 128) when nothing larger fits.
 */
export function tileWithin(model: EngineModel, ceiling: number, budgetBytes: number, measured?: number): number {
  const fits = (tile: number): boolean => bytesWithTile(model, tile, measured) <= budgetBytes;
  let tile = ceiling;
  for (let halving = 0; halving < HALVINGS && !fits(tile); halving += 1) tile = Math.floor(tile / 2);
  return tile;
}
