/** Property: what is told of single photos counts at once in what is shown of their batch, and never makes it more than it is. */
import { describe, expect, test } from 'vitest';
import type { Batch, Photo } from '../../web/src/api-shapes.ts';
import { figuresOf } from '../../web/src/batch-figures.ts';
import { PhotoBook } from '../../web/src/photo-book.ts';

const batch = (told: Partial<Batch>): Batch => ({
  batch_id: 'b-1',
  state: 'processing',
  open: false,
  options: { quality_level: 'fast', scale: 4 },
  destination: { kind: 'store', path: null },
  total: 4,
  completed: 0,
  failed: 0,
  work_done: 0,
  eta: null,
  created_at: 0,
  updated_at: 0,
  ...told,
});
function bookOf(...statuses: string[]): PhotoBook {
  const book = new PhotoBook();
  for (const [index, status] of statuses.entries()) book.hear(photo(index, status));
  return book;
}
const photo = (index: number, status: string): Photo => ({
  task_id: `b-1.${index}`,
  index,
  filename: `${index}.jpg`,
  status,
  progress: 0,
  attempts: 1,
  error: null,
  error_code: null,
});

describe('figures of a batch', () => {
  test('count a result that is there before the batch tells of it', () => {
    const shown = figuresOf(batch({ state: 'queued' }), bookOf('completed', 'processing', 'queued', 'failed'));
    expect(shown).toMatchObject({ state: 'processing', completed: 1, failed: 1, underWay: 1 });
  });

  test('are those of the batch where the page knows only some photos', () => {
    const shown = figuresOf(batch({ total: 900, completed: 500, failed: 2 }), bookOf('completed', 'processing'));
    expect(shown).toMatchObject({ completed: 500, failed: 2, underWay: 1 });
  });

  test('follow a photo from state to state, and never count more than there are', () => {
    const book = bookOf('processing', 'processing');
    book.hear(photo(0, 'completed'));
    book.hear(photo(0, 'completed'));
    expect(figuresOf(batch({ total: 2 }), book)).toMatchObject({ completed: 1, underWay: 1 });
    expect(figuresOf(batch({ total: 2, completed: 2 }), book)).toMatchObject({ completed: 2, underWay: 0 });
    book.forget();
    expect(figuresOf(batch({ total: 2 }), book)).toMatchObject({ completed: 0, underWay: 0 });
  });

  test('leave a batch alone that waits, or is over', () => {
    expect(figuresOf(batch({ state: 'queued' }), bookOf('queued'))).toMatchObject({ state: 'queued', underWay: 0 });
    const undone = figuresOf(batch({ state: 'rolled_back' }), bookOf('completed', 'processing'));
    expect(undone).toMatchObject({ state: 'rolled_back', completed: 0, underWay: 0 });
  });
});
