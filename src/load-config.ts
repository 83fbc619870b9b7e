import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseConfig, type Config, type Environment } from './contracts/config.ts';

/** The configuration with its places made absolute, and the environment that says the same to child processes. */
export interface LoadedConfig {
  readonly config: Config;
  readonly environment: Environment;
  /** Whether a person set the variable, rather than its default being used. */
  readonly isSet: (name: keyof Config) => boolean;
}

/**
 * Reads the configuration and decides where data and cache live: DATA_DIR and CACHE_DIR, else `darkroom` below the folders
 * that XDG names. Relative places are taken from the current directory.
 * @throws ConfigurationError naming every setting that is wrong.
 */
export function loadConfig(environment: Environment, home: string = homedir()): LoadedConfig {
  const parsed = parseConfig(environment);
  const dataDir = resolve(
    parsed.DATA_DIR || join(environment['XDG_DATA_HOME'] || join(home, '.local/share'), 'darkroom'),
  );
  const cacheDir = resolve(parsed.CACHE_DIR || join(environment['XDG_CACHE_HOME'] || join(home, '.cache'), 'darkroom'));
  const places = {
    DATA_DIR: dataDir,
    CACHE_DIR: cacheDir,
    ...(parsed.KEYS_FILE === '' ? {} : { KEYS_FILE: resolve(parsed.KEYS_FILE) }),
    SCRATCH_DIR: resolve(parsed.SCRATCH_DIR || join(dataDir, 'scratch')),
    ...(parsed.MODEL_MIRROR === '' ? {} : { MODEL_MIRROR: resolve(parsed.MODEL_MIRROR) }),
  };
  return {
    config: { ...parsed, KEYS_FILE: join(dataDir, 'keys.json'), ...places },
    environment: { ...environment, ...places },
    isSet: (name) => (environment[name] ?? '').trim() !== '',
  };
}
