import { CANCELS } from './cancels.ts';
import { DEPLOYS } from './deploys.ts';
import { DISKS } from './disks.ts';
import { enginesOf } from './engines.ts';
import type { Fault } from './fault.ts';
import { KILLS } from './kills.ts';
import type { OwnModels } from './own-models.ts';
import { SILENCES } from './silences.ts';

/** Every fault there is, in the order of its number. */
export const allFaults = (models: OwnModels): readonly Fault[] =>
  [...KILLS, ...SILENCES, ...DISKS, ...enginesOf(models), ...CANCELS, ...DEPLOYS].toSorted(
    (left, right) => left.number - right.number,
  );
