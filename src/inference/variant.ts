import type { GraphRequest } from './network-requests.ts';
import type { EngineModel } from './protocol.ts';
import type { Depth } from './tiles.ts';

/** A network as one photo needs it. */
export interface Variant {
  readonly model: EngineModel;
  readonly depth: Depth;
  /** Share of its own weights, the rest is its twin's; null: as it was trained. */
  readonly share: number | null;
}

/** Shares are rounded, so that the graphs of many photos are few. */
const STEPS = 20;

/** @param denoise - as asked for; null: not asked for. */
export function chooseVariant(model: EngineModel, depth: Depth, denoise: number | null): Variant {
  if (denoise === null || model.twin === undefined) return { model, depth, share: null };
  const share = Math.round(denoise * STEPS) / STEPS;
  return { model, depth, share: share === 1 ? null : share };
}

export function graphOf({ model, depth, share }: Variant): GraphRequest {
  const { name, graphPath: path, twin } = model;
  const key = `${name}${share === null ? '' : `+${share}`}${depth === 16 ? '@16' : ''}`;
  if (share === null || twin === undefined) return { key, path, depth };
  if (share === 0) return { key, path: twin.graphPath, depth };
  return { key, path, depth, blend: { path: twin.graphPath, share } };
}

/** Said when denoising was asked for and cannot be chosen. */
export function denoiseWarning({ name, twin }: EngineModel, denoise: number | null): string[] {
  if (denoise === null || twin !== undefined) return [];
  return [`denoise was not applied: ${name} has no denoising twin that is installed here.`];
}
