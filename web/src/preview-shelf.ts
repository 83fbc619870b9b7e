import type { Preview } from './thumbnails.ts';

/**
 * Previews of sent originals, by task, in the browser's own database: the server keeps results, and "before" would
 * otherwise be gone with the first reload. Everything here is a convenience; without a database the page still works.
 */

const DATABASE = 'darkroom';
const PREVIEWS = 'previews';
/** Some 60 to 400 kB each. */
const KEPT = 300;

interface Shelved extends Preview {
  taskId: string;
  at: number;
}

/** Those of this visit, so that nothing waits for the database. */
const atHand = new Map<string, Preview>();
let opened: Promise<IDBDatabase> | undefined;

export async function keepPreview(taskId: string, preview: Preview): Promise<void> {
  atHand.set(taskId, preview);
  const store = await openStore('readwrite');
  if (store === undefined) return;
  const shelved: Shelved = { ...preview, taskId, at: Date.now() };
  store.put(shelved);
  dropOldest(store);
}

export async function findPreview(taskId: string): Promise<Preview | undefined> {
  const found = atHand.get(taskId);
  if (found !== undefined) return found;
  const store = await openStore('readonly');
  if (store === undefined) return undefined;
  const shelved = await settled<Shelved | undefined>(store.get(taskId)).catch(() => undefined);
  if (shelved !== undefined) atHand.set(taskId, shelved);
  return shelved;
}

function dropOldest(store: IDBObjectStore): void {
  const counting = store.count();
  counting.addEventListener('success', () => {
    let surplus = counting.result - KEPT;
    if (surplus <= 0) return;
    const walk = store.index('at').openCursor();
    walk.addEventListener('success', () => {
      if (walk.result === null || surplus <= 0) return;
      surplus -= 1;
      walk.result.delete();
      walk.result.continue();
    });
  });
}

async function openStore(mode: IDBTransactionMode): Promise<IDBObjectStore | undefined> {
  try {
    opened ??= openDatabase();
    return (await opened).transaction(PREVIEWS, mode).objectStore(PREVIEWS);
  } catch {
    return undefined; // a private window, or a full disk
  }
}

function openDatabase(): Promise<IDBDatabase> {
  const request = indexedDB.open(DATABASE, 1);
  request.addEventListener('upgradeneeded', () => {
    request.result.createObjectStore(PREVIEWS, { keyPath: 'taskId' }).createIndex('at', 'at');
  });
  return settled(request);
}

function settled<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.addEventListener('success', () => resolve(request.result));
    request.addEventListener('error', () => reject(request.error ?? new Error('The browser database failed.')));
  });
}
