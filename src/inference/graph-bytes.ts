import { readFile } from 'node:fs/promises';
import { blendNetworks, type RunGraph } from '../models/blend-networks.ts';
import { deepen } from '../models/graph-depth.ts';
import { halve } from '../models/graph-half.ts';
import type { GraphRequest, Precision } from './network-requests.ts';

/** Raised when a graph that is made here would give other pixels. */
export const GRAPH_VERSION = 1;

/**
 * What a session is made of: an installed graph's path as it is, or the bytes of a graph made from installed ones. Making one
 * takes less than a second, so none is kept on disk.
 * @param precision - of the arithmetic; photos of 16 bits are always computed in full, which is what they are kept for.
 * @param run - runs a graph on the CPU, for what has to be measured while a blend is made.
 */
export async function graphFor(
  { path, depth, blend }: GraphRequest,
  precision: Precision,
  run: RunGraph,
): Promise<string | Uint8Array> {
  if (blend === undefined && depth === 8 && precision === 'full') return path;
  const graph = await readFile(path);
  const mixed = blend === undefined ? graph : await blendNetworks(graph, await readFile(blend.path), blend.share, run);
  if (depth === 16) return deepen(mixed);
  return precision === 'half' ? halve(mixed) : mixed;
}
