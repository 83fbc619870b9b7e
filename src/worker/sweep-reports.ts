import { AUTOSCALERS, WORKERS } from '../storage/keys.ts';
import type { Store } from '../storage/store.ts';

/**
 * Takes away the reports of workers and autoscalers that were killed, and could not do it themselves: all that lie there are
 * read whenever somebody asks. One that lives writes again within seconds.
 */
export async function sweepReports(store: Store, olderThanMs: number): Promise<void> {
  for (const folder of [WORKERS, AUTOSCALERS]) {
    for (const name of await store.list(folder)) {
      const key = `${folder}/${name}`;
      const found = await store.stat(key);
      if (found && found.modifiedAt < olderThanMs) await store.remove(key);
    }
  }
}
