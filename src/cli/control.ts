import type { ControlledBatch } from '../batches/batch-service.ts';
import { DarkroomError } from '../contracts/errors.ts';
import { isBatchId } from '../contracts/ids.ts';
import { findDesk, type Desk } from './desk.ts';
import type { Invocation } from './invocation.ts';

/** `darkroom pause` and `darkroom cancel`: they need a Darkroom that runs, for where none runs nothing is under way. */

export const pause = async (batchId: string, invocation: Invocation): Promise<number> =>
  await steer(batchId, invocation, async ({ service }) => await service.pause(batchId));

export const cancel = async (batchId: string, invocation: Invocation): Promise<number> =>
  await steer(batchId, invocation, async ({ service }) => await service.cancel(batchId));

/** @throws DarkroomError `not_found`, `wrong_state` with the sentence of the batch, `temporal_unavailable`. */
async function steer(
  batchId: string,
  invocation: Invocation,
  change: (desk: Desk) => Promise<ControlledBatch>,
): Promise<number> {
  if (!isBatchId(batchId)) throw new DarkroomError('not_found', `There is no batch ${batchId}.`);
  const { terminal, loaded, command } = invocation;
  const desk = await findDesk(invocation);
  if (desk === undefined) {
    terminal.line(
      `No Darkroom runs on ${loaded.config.DATA_DIR}, so nothing is under way. Open batches wait there: \`${command} history\`.`,
    );
    return 2;
  }
  try {
    const batch = await change(desk);
    terminal.line(batch.changed ? batch.message : `Nothing was changed. ${batch.message}`);
    return 0;
  } finally {
    await desk.close();
  }
}
