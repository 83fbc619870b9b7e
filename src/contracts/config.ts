import type { z } from 'zod';
import { API_SETTINGS } from './settings/api.ts';
import { ENGINE_SETTINGS } from './settings/engine.ts';
import { LOG_SETTINGS } from './settings/log.ts';
import { OUTGOING_SETTINGS } from './settings/outgoing.ts';
import { PLACE_SETTINGS } from './settings/places.ts';
import { SCALING_SETTINGS } from './settings/scaling.ts';
import type { Setting } from './settings/setting.ts';
import { STORE_SETTINGS } from './settings/store.ts';
import { TEMPORAL_SETTINGS } from './settings/temporal.ts';
import { WORK_SETTINGS } from './settings/work.ts';

/**
 * Every setting there is: name with its unit, parser, default and one line of documentation, by subject in `settings/`.
 * `.env.example` and `docs/configuration.md` are generated from this table, in this order; all faults are reported together.
 */
export const SETTINGS = {
  ...API_SETTINGS,
  ...WORK_SETTINGS,
  ...PLACE_SETTINGS,
  ...OUTGOING_SETTINGS,
  ...STORE_SETTINGS,
  ...TEMPORAL_SETTINGS,
  ...ENGINE_SETTINGS,
  ...SCALING_SETTINGS,
  ...LOG_SETTINGS,
} satisfies Record<string, Setting>;

export type SettingName = keyof typeof SETTINGS;
export type Config = { readonly [Name in SettingName]: z.infer<(typeof SETTINGS)[Name]['schema']> };
export type Environment = Readonly<Record<string, string | undefined>>;

/** Thrown with all faults of the configuration in one message, one line each. */
export class ConfigurationError extends Error {
  override readonly name = 'ConfigurationError';
}

const isSettingName = (name: string): name is SettingName => Object.hasOwn(SETTINGS, name);
export const SETTING_NAMES: readonly SettingName[] = Object.keys(SETTINGS).filter(isSettingName);

/**
 * Reads the configuration out of an environment; an empty variable counts as not set.
 * @throws ConfigurationError naming every setting that is wrong, not only the first.
 */
export function parseConfig(environment: Environment): Config {
  const faults: string[] = [];
  const values: Record<string, unknown> = {};
  for (const name of SETTING_NAMES) {
    const { schema, default: fallback, secret }: Setting = SETTINGS[name];
    const raw = environment[name];
    const written = raw === undefined || raw.trim() === '' ? fallback : raw.trim();
    const parsed = schema.safeParse(written);
    if (parsed.success) values[name] = parsed.data;
    else
      faults.push(
        `${name}: ${parsed.error.issues.map((issue) => issue.message).join('; ')} but is ${secret ? '[secret]' : JSON.stringify(written)}`,
      );
  }
  if (faults.length > 0) throw new ConfigurationError(`The configuration is not valid:\n  ${faults.join('\n  ')}`);
  return values as Config; // every name was parsed by its own schema above
}

/** The configuration with secrets replaced, for logs and `darkroom doctor`. */
export function redactConfig(config: Config): Record<string, unknown> {
  return Object.fromEntries(
    SETTING_NAMES.map((name) => {
      const definition: Setting = SETTINGS[name];
      const value = config[name];
      const empty = value === '' || (Array.isArray(value) && value.length === 0);
      return [name, definition.secret && !empty ? '[secret]' : value];
    }),
  );
}
