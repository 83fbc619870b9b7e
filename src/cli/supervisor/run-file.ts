import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { identifyProcess } from './process-identity.ts';
import { readJson, writeJson } from './json-file.ts';

/** `run/darkroom.json` of the data directory: where the house that runs there can be reached. */
const runFileSchema = z.object({
  pid: z.int(),
  identity: z.string(),
  apiUrl: z.string().optional(),
  temporalAddress: z.string(),
  namespace: z.string(),
  uiUrl: z.string().optional(),
  startedAt: z.string(),
});
export type RunFile = z.infer<typeof runFileSchema>;

const runFilePath = (dataDir: string): string => join(dataDir, 'run', 'darkroom.json');

export async function writeRunFile(dataDir: string, content: RunFile): Promise<void> {
  await mkdir(join(dataDir, 'run'), { recursive: true });
  await writeJson(runFilePath(dataDir), content);
}

/** The house that runs on this data directory; `undefined` when none does, whatever an old file says. */
export async function readRunFile(dataDir: string): Promise<RunFile | undefined> {
  const found = await readJson(runFilePath(dataDir), runFileSchema);
  if (found === undefined) return undefined;
  return (await identifyProcess(found.pid)) === found.identity ? found : undefined;
}

export const removeRunFile = async (dataDir: string): Promise<void> => await rm(runFilePath(dataDir), { force: true });
