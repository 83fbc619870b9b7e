import type { Client } from '@temporalio/client';
import { ENHANCE_BATCH } from '../contracts/workflow-api.ts';
import type { BatchReader } from './read-batch.ts';
import { askTemporal } from './start-workflow.ts';

/**
 * Photos of a tenant that are accepted and not settled, over all its batches that are open. Counted up to `most`: nobody needs
 * to know how far beyond. Temporal's list is a second late, so that a bound on this is one of the order of magnitude.
 */
export async function photosInFlight(
  deps: { readonly client: Client; readonly now: () => number; readonly batches: BatchReader },
  tenant: string,
  most: number,
): Promise<number> {
  const query = `WorkflowType = "${ENHANCE_BATCH}" AND ExecutionStatus = "Running" AND Tenant = "${tenant}"`;
  return askTemporal(deps, async () => {
    let photos = 0;
    for await (const { workflowId } of deps.client.workflow.list({ query })) {
      const view = await deps.batches.view(workflowId);
      if (view) photos += view.total - view.completed - view.failed;
      if (photos >= most) break;
    }
    return photos;
  });
}
