import type { BatchAnswer } from '../contracts/http-batches.ts';
import type { EndEvent, PhotoEvent, ProgressEvent, SnapshotEvent } from '../contracts/http-events.ts';
import { askedWait, refusal, type Calls } from './calls.ts';

/** Events of a batch as they are told: a snapshot, then what changes, and the end. */
export type BatchEvent =
  | { readonly type: 'snapshot'; readonly data: SnapshotEvent }
  | { readonly type: 'batch'; readonly data: BatchAnswer }
  | { readonly type: 'photo'; readonly data: PhotoEvent }
  | { readonly type: 'progress'; readonly data: ProgressEvent }
  | { readonly type: 'end'; readonly data: EndEvent };

const COME_BACK_MS = 1000;

/**
 * Follows a batch until it ends. A connection that breaks is opened again with the last ID that was read, so that nothing is
 * missed; the server says when there is nothing more.
 * @throws ApiError when the batch is not the caller's, or is none.
 */
export async function* followBatch(calls: Calls, batchId: string): AsyncGenerator<BatchEvent> {
  let lastEventId: string | undefined;
  for (;;) {
    const headers = {
      Accept: 'text/event-stream',
      ...(lastEventId === undefined ? {} : { 'Last-Event-ID': lastEventId }),
    };
    const answer = await calls.once(`/api/v1/batches/${batchId}/events`, { headers }).catch(() => undefined);
    if (answer?.status === 204) return;
    if (answer && answer.status >= 400 && answer.status < 500 && answer.status !== 429) throw await refusal(answer);
    if (answer?.ok && answer.body) {
      for await (const { id, event } of readEvents(answer.body)) {
        lastEventId = id ?? lastEventId;
        if (event) yield event;
        if (event?.type === 'end') return;
      }
    }
    await calls.pause(askedWait(answer) ?? COME_BACK_MS);
  }
}

/** A stream that breaks ends like one that is over: whoever follows comes back. */
async function* readEvents(body: ReadableStream<Uint8Array>): AsyncGenerator<{ id?: string; event?: BatchEvent }> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let rest = '';
  try {
    for (;;) {
      const { value, done } = await reader.read().catch(() => ({ value: undefined, done: true }));
      if (done || value === undefined) return;
      const blocks = (rest + decoder.decode(value, { stream: true })).split('\n\n');
      rest = blocks.pop() ?? '';
      for (const block of blocks) yield parseEvent(block);
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}

function parseEvent(block: string): { id?: string; event?: BatchEvent } {
  const field = (name: string): string | undefined => new RegExp(`^${name}: ?(.*)$`, 'm').exec(block)?.[1];
  const [id, type, data] = [field('id'), field('event'), field('data')];
  return {
    ...(id === undefined ? {} : { id }),
    ...(type === undefined || data === undefined ? {} : { event: { type, data: JSON.parse(data) } as BatchEvent }),
  };
}
