import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Environment } from '../../src/contracts/config.ts';
import type { ModelEntry } from '../../src/contracts/models.ts';
import { installModel, type Installed, type InstallStep } from '../../src/models/install-model.ts';
import { serveFiles, type FileServer } from './file-server.ts';
import { TINY_PARAM, tinyBin, tinyEntry, writeTinyVectors } from './tiny-network.ts';

/** A server with the tiny network's files, an empty cache and the reference vectors. */
export interface TinyHouse {
  readonly server: FileServer;
  readonly root: string;
  readonly cacheDir: string;
  readonly modelsDir: string;
  /** The tiny network with the server as its source. */
  readonly entry: ModelEntry;
  install(entry: ModelEntry, change?: Change): Promise<Installed>;
  /** Names in the downloads folder, sorted. */
  downloads(): Promise<string[]>;
  close(): Promise<void>;
}

interface Change {
  readonly mirrorDir?: string;
  readonly modelsDir?: string;
  readonly environment?: Environment;
  readonly signal?: AbortSignal;
  readonly onStep?: (step: InstallStep) => void;
}

export async function openTinyHouse(): Promise<TinyHouse> {
  const root = await mkdtemp(join(tmpdir(), 'darkroom-models-'));
  const [cacheDir, modelsDir] = [join(root, 'cache'), join(root, 'models')];
  await writeTinyVectors(modelsDir);
  const server = await serveFiles();
  server.files.set('/tiny.param', Buffer.from(TINY_PARAM));
  server.files.set('/tiny.bin', tinyBin());
  const urls = { 'tiny.param': `${server.url}/tiny.param`, 'tiny.bin': `${server.url}/tiny.bin` };
  return {
    server,
    root,
    cacheDir,
    modelsDir,
    entry: tinyEntry([{ kind: 'url', urls }]),
    install: (entry, change = {}) =>
      installModel(entry, {
        cacheDir,
        modelsDir,
        mirrorDir: undefined,
        environment: {},
        signal: new AbortController().signal,
        ...change,
      }),
    downloads: async () => (await readdir(join(cacheDir, 'downloads'))).sort(),
    async close() {
      await server.close();
      await rm(root, { recursive: true, force: true });
    },
  };
}
