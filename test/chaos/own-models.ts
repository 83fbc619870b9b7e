import { createHash } from 'node:crypto';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadConfig } from '../../src/load-config.ts';
import { modelPlaces } from '../../src/models/installed-models.ts';
import { standInModel } from '../inference/support.ts';

/** The network of `quality_level=fast`, in 8 bits and in full precision: which of them runs depends on the machine. */
const NETWORKS: readonly string[] = ['darkroom-fast-x4-int8', 'darkroom-fast-x4'];

/** A cache directory of one's own: all of the user's, but copies of one network that may be spoilt without harm to others. */
export class OwnModels {
  readonly cacheDir: string;
  readonly #user: string;

  private constructor(cacheDir: string, user: string) {
    this.cacheDir = cacheDir;
    this.#user = user;
  }

  static async make(): Promise<OwnModels> {
    const user = loadConfig(process.env).config.CACHE_DIR;
    const own = new OwnModels(await mkdtemp(join(tmpdir(), 'darkroom-models-')), user);
    await mkdir(join(own.cacheDir, 'models'));
    for (const name of await readdir(user)) {
      if (name !== 'models') await symlink(join(user, name), join(own.cacheDir, name));
    }
    for (const name of await readdir(join(user, 'models'))) {
      if (NETWORKS.includes(name)) continue;
      await symlink(join(user, 'models', name), join(own.cacheDir, 'models', name));
    }
    await own.mend();
    return own;
  }

  get #places(): ReturnType<typeof modelPlaces>[] {
    return NETWORKS.map((name) => modelPlaces(this.cacheDir, name));
  }

  async mend(): Promise<void> {
    for (const name of NETWORKS) {
      const { folder } = modelPlaces(this.cacheDir, name);
      await rm(folder, { recursive: true, force: true });
      await cp(modelPlaces(this.#user, name).folder, folder, { recursive: true });
    }
  }

  async spoil(how: 'missing' | 'truncated' | 'altered'): Promise<void> {
    for (const { graph } of this.#places) {
      const bytes = await readFile(graph);
      const middle = Math.floor(bytes.length / 2);
      if (how === 'altered') bytes.writeUInt8(bytes.readUInt8(middle) ^ 1, middle);
      if (how === 'missing') await rm(graph);
      else await writeFile(graph, how === 'truncated' ? bytes.subarray(0, middle) : bytes);
    }
  }

  /** Networks that answer black, installed as if they were the true ones: their driver has gone wrong, not their files. */
  async blacken(): Promise<void> {
    const { graphPath } = await standInModel(this.cacheDir, 'black');
    const bytes = await readFile(graphPath);
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    for (const { graph, record } of this.#places) {
      const installed = JSON.parse(await readFile(record, 'utf8'));
      const black = { ...installed.graph, bytes: bytes.length, sha256 };
      await writeFile(graph, bytes);
      await writeFile(record, JSON.stringify({ ...installed, graph: black }));
    }
  }

  async remove(): Promise<void> {
    await rm(this.cacheDir, { recursive: true, force: true });
  }
}
