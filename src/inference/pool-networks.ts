import { TILE_SIZE } from '../contracts/options.ts';
import type { EngineModel } from './protocol.ts';
import type { NetworkStatus, Substitute } from './engine.ts';
import type { Lane } from './lane.ts';
import { DEVICE_SHARE, tileWithin } from './memory-model.ts';
import type { Ticket } from './ticket.ts';
import { tileCeiling } from './tiles.ts';

/** A pool's networks as its lanes run them: in which precision, and with which tiles. */
export class PoolNetworks {
  readonly #models: ReadonlyMap<string, EngineModel>;
  readonly #tileBudgetBytes: number;

  /** @param tileBudgetBytes - what a tile may take of this host's memory; devices have their own. */
  constructor(models: ReadonlyMap<string, EngineModel>, tileBudgetBytes: number) {
    this.#models = models;
    this.#tileBudgetBytes = tileBudgetBytes;
  }

  has(name: string): boolean {
    return this.#models.has(name);
  }

  /** Before work starts. A device whose memory is not known takes the tile that was asked for. */
  affordableTile({ job }: Ticket, lane: Lane): number {
    const model = this.#models.get(lane.figures.verdicts[job.model] ? this.#fullPrecision(job.model) : job.model);
    return model === undefined ? job.options.tileSize : this.#tileOn(lane, model, job.options.tileSize);
  }

  describeOn(lane: Lane | undefined): NetworkStatus[] {
    return [...this.#models.values()].map((model) => this.#describe(model, lane));
  }

  substitutesOn(lane: Lane | undefined): Substitute[] {
    return Object.entries(lane?.figures.verdicts ?? {}).flatMap(([model, because]) =>
      because === null ? [] : [{ model, by: this.#fullPrecision(model), because }],
    );
  }

  #fullPrecision(name: string): string {
    return this.#models.get(name)?.fullPrecision ?? name;
  }

  #tileOn(lane: Lane, model: EngineModel, ceiling: number): number {
    const budget = lane.device === 'cpu' ? this.#tileBudgetBytes : (lane.deviceMemoryBytes ?? Infinity) * DEVICE_SHARE;
    return tileWithin(model, tileCeiling(lane.windows, ceiling), budget, lane.figures.measured[model.name]);
  }

  #describe(model: EngineModel, lane: Lane | undefined): NetworkStatus {
    const { name, scale, overlap, memory } = model;
    const msPerPixel = lane?.figures.speeds[name];
    const bytesPerWindowPixel = lane?.figures.measured[name] ?? memory.bytesPerWindowPixel;
    return {
      name,
      scale,
      overlap,
      memory: { baseBytes: memory.baseBytes, bytesPerWindowPixel },
      tileSize: lane === undefined ? TILE_SIZE.max : this.#tileOn(lane, model, TILE_SIZE.max),
      msPerMegapixel: msPerPixel === undefined ? null : msPerPixel * 1e6,
    };
  }
}
