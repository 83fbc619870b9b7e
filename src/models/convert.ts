import type { ModelEntry } from '../contracts/models.ts';
import type { CalibrationSteps } from './calibration.ts';
import { GraphBuilder } from './graph-builder.ts';
import { buildRrdb } from './graph-rrdb.ts';
import { buildRrdbInt8 } from './graph-rrdb-int8.ts';
import { buildSrvgg } from './graph-srvgg.ts';
import { buildSrvggInt8 } from './graph-srvgg-int8.ts';
import { readNetwork, type Network } from './network.ts';

/** Of the graphs that are made, raised with every change of theirs: an installed graph of another version is made anew. */
export const converterVersion = ({ architecture, int8 }: Pick<ModelEntry, 'architecture' | 'int8'>): number =>
  architecture === 'srvgg' && int8 !== undefined ? 2 : 1;

/**
 * Makes our own ONNX graph from upstream's ncnn files: uint8 `[N, H, W, 3]` in, uint8 `[N, 4H, 4W, 3]` out, all
 * scaling, layout and rounding inside. Deterministic: the same files give the same bytes.
 * @param steps - of an entry that runs in 8 bits.
 * @throws DarkroomError `model_corrupt` when the files are not the network that the entry says.
 */
export function convertModel(entry: ModelEntry, param: string, bin: Uint8Array, steps?: CalibrationSteps): Uint8Array {
  const network = readNetwork(entry.architecture, param, bin);
  const graph = new GraphBuilder();
  buildGraph(graph, network, steps);
  return graph.build(entry.name, String(converterVersion(entry)), {
    model: entry.name,
    weights: entry.files.bin.sha256,
    licence: [entry.licence.spdx, entry.licence.holder, entry.licence.origin].join(', '),
  });
}

function buildGraph(graph: GraphBuilder, network: Network, steps: CalibrationSteps | undefined): void {
  if (network.architecture === 'srvgg') {
    if (steps === undefined) buildSrvgg(graph, network);
    else buildSrvggInt8(graph, network, steps);
  } else if (steps === undefined) buildRrdb(graph, network);
  else buildRrdbInt8(graph, network, steps);
}
