import { AUTOSCALERS, WORKERS } from '../storage/keys.ts';
import { listDated } from '../storage/list-dated.ts';
import type { Store } from '../storage/store.ts';

/**
 * Takes away the reports of workers and autoscalers that were killed, and could not do it themselves: all that lie there are
 * read whenever somebody asks. One that lives writes again within seconds.
 */
export async function sweepReports(store: Store, olderThanMs: number): Promise<void> {
  for (const folder of [WORKERS, AUTOSCALERS]) {
    for (const { name, modifiedAt } of await listDated(store, folder))
      if (modifiedAt < olderThanMs) await store.remove(`${folder}/${name}`);
  }
}
