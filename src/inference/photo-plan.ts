import { planEnlargement, type Enlargement } from '../contracts/enlargement.ts';
import type { EnhanceOptions } from '../contracts/options.ts';
import type { Size } from '../contracts/result-size.ts';
import type { EngineModel } from './protocol.ts';
import { cutTiles, type TileGrid, type Windows } from './tiles.ts';

/** What a photo will go through, known from its size alone. */
export interface PhotoPlan {
  readonly enlargement: Enlargement;
  /** How the picture is cut, for each pass of the network. */
  readonly grids: readonly TileGrid[];
  readonly tiles: number;
}

/**
 * @param tileSize - ceiling in force.
 * @throws DarkroomError `enlargement_too_large`.
 */
export function planPhoto(
  photo: Size,
  options: Pick<EnhanceOptions, 'scale' | 'targetWidth' | 'targetHeight'>,
  model: Pick<EngineModel, 'scale' | 'overlap'>,
  tileSize: number,
  windows: Windows,
): PhotoPlan {
  const enlargement = planEnlargement(photo, options, model.scale);
  const grids = enlargement.steps
    .filter(({ kind }) => kind === 'network')
    .map(({ from }) => cutTiles(from.width, from.height, tileSize, model.overlap, windows));
  return { enlargement, grids, tiles: grids.reduce((sum, grid) => sum + tilesOf(grid), 0) };
}

export const tilesOf = (grid: TileGrid): number => grid.columns.length * grid.rows.length;
