import type { Config } from '../../contracts/config.ts';
import { DarkroomError } from '../../contracts/errors.ts';
import type { EnhanceSettings } from '../../contracts/http-requests.ts';
import { optionsFrom } from '../../contracts/option-fields.ts';
import type { EnhanceOptions } from '../../contracts/options.ts';
import { quote } from '../check-input.ts';

/** What a batch is to be made with: the client's settings over the server's defaults. */
export interface BatchSettings {
  readonly options: EnhanceOptions;
  readonly maxWorkers: number;
  readonly checkpointEnabled: boolean;
  readonly rollbackEnabled: boolean;
}

/**
 * Joins the settings of the query string with those of the form.
 * @throws DarkroomError `invalid_request` when both name a setting and differ: neither may win silently.
 */
export function joinSettings(query: EnhanceSettings, form: EnhanceSettings): EnhanceSettings {
  const fields = Object.entries(form).flatMap(([name, inForm]) => {
    const inQuery: unknown = Reflect.get(query, name);
    if (inForm === undefined || inQuery === undefined || inForm === inQuery) return [];
    const detail = `${name} is ${quote(inQuery)} in the query string but ${quote(inForm)} in the form; say it once.`;
    return [{ pointer: name, detail }];
  });
  if (fields.length > 0) {
    throw new DarkroomError('invalid_request', fields.map(({ detail }) => detail).join(' '), { fields });
  }
  return { ...query, ...form };
}

export function settingsOf(settings: EnhanceSettings, config: Config): BatchSettings {
  return {
    options: optionsFrom(settings, { quality: config.QUALITY_LEVEL, tileSize: config.TILE_SIZE }),
    maxWorkers: settings.max_workers ?? config.MAX_WORKERS,
    checkpointEnabled: settings.enable_checkpoint ?? config.ENABLE_CHECKPOINT,
    rollbackEnabled: settings.enable_rollback ?? config.ENABLE_ROLLBACK,
  };
}
