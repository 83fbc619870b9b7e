/** What a figure depends on besides the machine: the versions of what does the work. */
import { readFile } from 'node:fs/promises';
import { TEMPORAL_RELEASE } from '../dist/temporal/temporal-release.js';

const packageOf = async (path) => JSON.parse(await readFile(new URL(path, import.meta.url), 'utf8'));

export async function versions() {
  const { version, dependencies } = await packageOf('../package.json');
  return {
    Darkroom: version,
    Node: process.versions.node,
    'onnxruntime-node': dependencies['onnxruntime-node'],
    'Temporal CLI': TEMPORAL_RELEASE.version,
    'Temporal SDK': dependencies['@temporalio/worker'],
    sharp: dependencies.sharp,
  };
}
