import { createHash } from 'node:crypto';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadConfig } from '../../src/load-config.ts';
import { modelPlaces } from '../../src/models/installed-models.ts';
import { standInModel } from '../inference/support.ts';

/** The network of `quality_level=fast`. */
const NETWORK = 'darkroom-fast-x4';

/** A cache directory of one's own: all of the user's, but a copy of one network that may be spoilt without harm to others. */
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
      if (name !== NETWORK) await symlink(join(user, 'models', name), join(own.cacheDir, 'models', name));
    }
    await own.mend();
    return own;
  }

  get #places(): ReturnType<typeof modelPlaces> {
    return modelPlaces(this.cacheDir, NETWORK);
  }

  async mend(): Promise<void> {
    await rm(this.#places.folder, { recursive: true, force: true });
    await cp(modelPlaces(this.#user, NETWORK).folder, this.#places.folder, { recursive: true });
  }

  async spoil(how: 'missing' | 'truncated' | 'altered'): Promise<void> {
    const { graph } = this.#places;
    const bytes = await readFile(graph);
    if (how === 'missing') return await rm(graph);
    if (how === 'truncated') return await writeFile(graph, bytes.subarray(0, Math.floor(bytes.length / 2)));
    bytes.writeUInt8(bytes.readUInt8(bytes.length >> 1) ^ 1, bytes.length >> 1);
    await writeFile(graph, bytes);
  }

  /** A network that answers black, installed as if it were the true one: its driver has gone wrong, not its file. */
  async blacken(): Promise<void> {
    const { graph, record } = this.#places;
    const { graphPath } = await standInModel(this.cacheDir, 'black');
    const bytes = await readFile(graphPath);
    const installed = JSON.parse(await readFile(record, 'utf8'));
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    await writeFile(graph, bytes);
    await writeFile(
      record,
      JSON.stringify({ ...installed, graph: { ...installed.graph, bytes: bytes.length, sha256 } }),
    );
  }

  async remove(): Promise<void> {
    await rm(this.cacheDir, { recursive: true, force: true });
  }
}
