import { ref, shallowRef } from 'vue';
import type { Operation } from '../api-shapes.ts';
import { usePolling } from './use-polling.ts';
import { api } from './use-server.ts';

const AGAIN_MS = 4000;
const AWAY_MS = 8000;

/** What was done and undone on this server, newest first; looked at again and again while the component lives. */
export function useHistory(query: Record<string, string>, perPage: number) {
  const operations = shallowRef<Operation[]>([]);
  const read = ref(false);
  const more = ref<string | null>(null);
  /** Pages that the person asked for: all of them are kept current. */
  let pages = 1;

  const lookNow = usePolling(async (signal) => {
    try {
      const found: Operation[] = [];
      let cursor: string | null = null;
      for (let page = 0; page < pages; page += 1) {
        const asked = { ...query, limit: String(perPage), ...(cursor === null ? {} : { cursor }) };
        const answer = await api.operations(asked, signal);
        found.push(...answer.operations);
        cursor = answer.next_cursor;
        if (cursor === null) break;
      }
      operations.value = found;
      more.value = cursor;
      read.value = true;
      return document.hidden ? AWAY_MS : AGAIN_MS;
    } catch {
      return AGAIN_MS; // the banner says why; the last known list stays on show
    }
  });
  const readMore = (): void => {
    pages += 1;
    lookNow();
  };
  return { operations, read, more, readMore, lookNow };
}
