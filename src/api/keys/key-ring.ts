import { createHash, timingSafeEqual } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import type { Logger } from 'pino';
import { keysFileSchema, SCOPES, type ApiKey, type Scope } from '../../contracts/api-keys.ts';
import { ConfigurationError } from '../../contracts/config.ts';

/** Whom a key stands for, and what it may do. */
export interface Bearer {
  readonly tenant: string;
  readonly scopes: ReadonlySet<Scope>;
}

export interface KeyRingOptions {
  /** Keys in plain, or `sha256:` and their hash; each is a tenant of its own and may do everything. */
  readonly configured: readonly string[];
  /** File of `darkroom keys`; need not exist. Empty: none. */
  readonly file: string;
  /** Whether a person named that file: one that is not there is lost then, or not made yet, and lets nobody in. */
  readonly fileNamed: boolean;
  /** Epoch milliseconds. */
  readonly clock: () => number;
  readonly logger: Logger;
}

interface Known extends Bearer {
  readonly hash: Buffer;
}

/** A key that is revoked is refused after so long at the latest. */
const LOOK_AGAIN_MS = 1000;
const HASHED = /^sha256:([0-9a-f]{64})$/i;

/** The keys there are: those of the configuration, and those of a file that is read again when it has changed. */
export class KeyRing {
  readonly #options: KeyRingOptions;
  readonly #configured: readonly Known[];
  #fromFile: readonly Known[] = [];
  #seenFile = false;
  #version = '';
  #lookedAt = Number.NEGATIVE_INFINITY;
  #looking: Promise<void> | undefined;

  constructor(options: KeyRingOptions) {
    this.#options = options;
    this.#configured = options.configured.map((key) => {
      const hash = hashOf(key);
      return { hash, tenant: `key-${hash.toString('hex').slice(0, 16)}`, scopes: new Set(SCOPES) };
    });
  }

  /** Whether a key is wanted of everybody. Once a file was named or had keys it stays so: one that is lost lets nobody in. */
  get required(): boolean {
    return this.#configured.length > 0 || this.#options.fileNamed || this.#seenFile;
  }

  /** Hashes are compared, all of them and in constant time: neither a key nor how much of it was right can be told by the time. */
  find(given: string): Bearer | undefined {
    const hash = createHash('sha256').update(given, 'utf8').digest();
    return [...this.#configured, ...this.#fromFile].filter((known) => timingSafeEqual(known.hash, hash))[0];
  }

  /**
   * Looks at the file, once a second at most. A file that cannot be read leaves the keys as they were.
   * @throws ConfigurationError at the first look, when what is there is no file of keys.
   */
  async refresh(): Promise<void> {
    const { file, clock } = this.#options;
    if (file === '' || clock() - this.#lookedAt < LOOK_AGAIN_MS) return this.#looking;
    const first = this.#lookedAt === Number.NEGATIVE_INFINITY;
    this.#lookedAt = clock();
    this.#looking = this.#read(file).catch((error: unknown) => {
      if (first) throw new ConfigurationError(`KEYS_FILE: ${file} is no file of keys.`);
      this.#options.logger.error({ err: error }, 'the file of keys cannot be read: keys stay as they were');
    });
    return this.#looking;
  }

  async #read(file: string): Promise<void> {
    const found = await stat(file).catch((error: unknown) => {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
      throw error;
    });
    const version = found ? `${found.mtimeMs} ${found.size} ${found.ino}` : '';
    if (version === this.#version) return;
    const keys = found ? keysFileSchema.parse(JSON.parse(await readFile(file, 'utf8'))).keys : [];
    this.#fromFile = keys.filter(({ revokedAt }) => revokedAt === undefined).map(knownOf);
    this.#seenFile ||= keys.length > 0;
    this.#version = version;
  }
}

const hashOf = (key: string): Buffer => {
  const hashed = HASHED.exec(key)?.[1];
  return hashed === undefined ? createHash('sha256').update(key, 'utf8').digest() : Buffer.from(hashed, 'hex');
};

const knownOf = ({ sha256, tenant, scopes }: ApiKey): Known => ({
  hash: Buffer.from(sha256, 'hex'),
  tenant,
  scopes: new Set(scopes.includes('admin') ? SCOPES : scopes),
});
