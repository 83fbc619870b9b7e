import { optionsFrom, type AskedOptions } from '../../contracts/option-fields.ts';
import type { EnhanceOptions, QualityLevel } from '../../contracts/options.ts';
import type { Desk } from '../desk.ts';
import type { Invocation } from '../invocation.ts';
import { SLOW_DEVICE, slowDevice } from '../start.ts';

/** What was asked for, completed by the configuration and by what the device can do in reasonable time. */
export function chooseOptions(asked: AskedOptions, { loaded, terminal }: Invocation, desk: Desk): EnhanceOptions {
  const chosen = asked.quality_level ?? (loaded.isSet('QUALITY_LEVEL') ? loaded.config.QUALITY_LEVEL : undefined);
  const slow = chosen === undefined && slowDevice(desk.device);
  if (slow) terminal.line(`Note: ${SLOW_DEVICE} (--quality fast|medium|high).`);
  const quality = chosen ?? (slow ? 'fast' : loaded.config.QUALITY_LEVEL);
  for (const notice of desk.notices.filter(concerns(quality))) terminal.line(`Note: ${notice}`);
  return optionsFrom({ ...asked, quality_level: quality }, { quality, tileSize: loaded.config.TILE_SIZE });
}

/** Notices about other levels than the chosen one are noise here, and those about faces each time one goes without. */
const concerns =
  (quality: QualityLevel) =>
  (notice: string): boolean =>
    (!notice.startsWith('quality_level ') && !notice.startsWith('Faces ')) ||
    notice.startsWith(`quality_level "${quality}"`);
