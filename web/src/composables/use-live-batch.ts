import { onBeforeUnmount, onMounted, ref, shallowRef, triggerRef } from 'vue';
import * as z from 'zod/mini';
import { eventsUrl } from '../addresses.ts';
import { ApiProblem } from '../api.ts';
import { batchShape, photoShape, progressShape, snapshotShape, type Batch } from '../api-shapes.ts';
import { isSettled } from '../batch-states.ts';
import { FinishRange } from '../finish-range.ts';
import { PhotoBook } from '../photo-book.ts';
import { api } from './use-server.ts';

/** A stream that the server has ended, or refused, is looked at again after this time. */
const AGAIN_MS = 2000;
/** Another device may do something with a batch that has ended. */
const CALM_MS = 8000;
const PAGE = 100;

/** Follows a batch for as long as the component lives: its events, and listings of the photos that are looked at. */
export function useLiveBatch(batchId: string) {
  const batch = shallowRef<Batch>();
  const missing = ref(false);
  const book = shallowRef(new PhotoBook());
  /** Ticks with every change, for what is told by the clock. */
  const heardAt = ref(Date.now());
  const range = new FinishRange();
  const stop = new AbortController();
  let stream: EventSource | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let frame = 0;

  /** Many events come at once: they are shown once a frame. */
  const changed = (): void => {
    if (frame !== 0) return;
    frame = requestAnimationFrame(() => {
      frame = 0;
      heardAt.value = Date.now();
      triggerRef(book);
    });
  };
  const hearBatch = (told: Batch): void => {
    if (told.state !== 'processing') range.forget();
    range.hear(told.state === 'processing' ? told.eta : null, Date.now());
    batch.value = told;
    missing.value = false;
    changed();
  };

  const listen = (): void => {
    clearTimeout(timer);
    stream?.close();
    stream = new EventSource(eventsUrl(batchId));
    on(stream, 'snapshot', snapshotShape, (told) => {
      for (const photo of told.photos) book.value.hear(photo);
      hearBatch(told.batch);
    });
    on(stream, 'batch', batchShape, hearBatch);
    on(stream, 'photo', photoShape, (photo) => {
      book.value.hear(photo);
      changed();
    });
    on(stream, 'progress', progressShape, (told) => {
      if (batch.value !== undefined) hearBatch({ ...batch.value, ...told });
    });
    stream.addEventListener('end', () => {
      stream?.close();
      void look();
    });
    // A cut is mended by the browser itself, which says where it was; only a refusal closes the stream.
    stream.addEventListener('error', () => {
      if (stream?.readyState === EventSource.CLOSED) timer = setTimeout(() => void look(), AGAIN_MS);
    });
  };

  /** Asks how the batch is, and goes on listening while something happens to it. */
  const look = async (): Promise<void> => {
    clearTimeout(timer);
    let again = AGAIN_MS;
    try {
      const told = await api.batch(batchId, stop.signal);
      hearBatch(told);
      if (!isSettled(told.state)) {
        listen();
        return;
      }
      again = CALM_MS;
    } catch (thrown) {
      if (stop.signal.aborted) return;
      missing.value = thrown instanceof ApiProblem && [404, 410].includes(thrown.status);
      if (missing.value) again = CALM_MS;
    }
    timer = setTimeout(() => void look(), again);
  };

  onMounted(listen);
  onBeforeUnmount(() => {
    stop.abort();
    stream?.close();
    clearTimeout(timer);
    cancelAnimationFrame(frame);
  });

  const pages = pageReader(batchId, book.value, changed, stop.signal);
  return { batch, missing, book, heardAt, look, secondsLeft: () => range.left(Date.now()), ...pages };
}

/** Listings, a hundred photos at a time, of what is looked at; never twice at once, and not more than once in a while. */
function pageReader(batchId: string, book: PhotoBook, changed: () => void, signal: AbortSignal) {
  const askedAt = new Map<number, number>();

  const readPage = async (page: number): Promise<void> => {
    if (Date.now() - (askedAt.get(page) ?? 0) < AGAIN_MS) return;
    askedAt.set(page, Date.now());
    try {
      const told = await api.photos(batchId, { cursor: String(page * PAGE), limit: String(PAGE) }, signal);
      for (const photo of told.photos) book.hear(photo);
      changed();
    } catch {
      // Asked again when it is looked at again.
    }
  };

  /** Sees to it that photos `from`..`to` are known in full. */
  const want = (from: number, to: number): void => {
    const pages = new Set<number>();
    for (let index = from; index <= to; index += 1) if (book.wants(index)) pages.add(Math.floor(index / PAGE));
    for (const page of pages) void readPage(page);
  };
  const reread = (): void => {
    book.forget();
    askedAt.clear();
    changed();
  };
  return { want, reread };
}

function on<S extends z.ZodMiniType>(
  stream: EventSource,
  name: string,
  shape: S,
  hear: (told: z.infer<S>) => void,
): void {
  stream.addEventListener(name, (event: MessageEvent<string>) => hear(shape.parse(JSON.parse(event.data))));
}
