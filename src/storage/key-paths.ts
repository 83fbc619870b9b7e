import { mkdir, realpath } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { asDarkroomError, DarkroomError, isAbsent } from '../contracts/errors.ts';

const SEGMENT = /^[A-Za-z0-9_-][A-Za-z0-9._-]*$/;
/** Looking at a directory costs more than using it: a busy one is looked at once a second. */
const VERIFIED_FOR_MS = 1000;
const VERIFIED_AT_MOST = 1000;

/** Whether a name can be a segment of a key: what else lies in the store's directory is not an object. */
export const isSegment = (name: string): boolean => SEGMENT.test(name);

/** Where keys lie below a root that is a real path. */
export class KeyPaths {
  readonly #root: string;
  /** Directories that were looked at, and until when that counts. */
  readonly #verified = new Map<string, number>();

  constructor(root: string) {
    this.#root = root;
  }

  /**
   * The path of a key. Its directory must truly lie where the key says, whatever links someone planted.
   * @throws TypeError for what is no key; the file system's own error where the directory is absent.
   */
  async resolve(key: string, options: { create?: boolean } = {}): Promise<string> {
    if (!key.split('/').every(isSegment)) {
      throw new TypeError(`Expected a store key but received ${JSON.stringify(key)}`);
    }
    const path = join(this.#root, key);
    const directory = dirname(path);
    if (performance.now() < (this.#verified.get(directory) ?? 0)) return path;
    try {
      if (options.create) await mkdir(directory, { recursive: true, mode: 0o700 });
      if ((await realpath(directory)) !== directory) {
        const name = basename(directory);
        throw new DarkroomError('storage_unavailable', `The store holds a link where a directory belongs: ${name}.`);
      }
    } catch (error) {
      if (isAbsent(error)) throw error;
      throw asDarkroomError(error);
    }
    this.#remember(directory);
    return path;
  }

  /** Looks at every directory again: some were removed. */
  forget(): void {
    this.#verified.clear();
  }

  #remember(directory: string): void {
    if (this.#verified.size >= VERIFIED_AT_MOST) this.#verified.clear();
    this.#verified.set(directory, performance.now() + VERIFIED_FOR_MS);
  }
}
