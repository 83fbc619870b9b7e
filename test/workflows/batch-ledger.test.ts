/** The ledger starts every photo once, within its window, and its counts always add up. */
import { describe, expect, it } from 'vitest';
import type { OpenedPage } from '../../src/contracts/activities.ts';
import { PHOTOS_PER_PAGE } from '../../src/contracts/ids.ts';
import type { EnhanceBatchInput } from '../../src/contracts/workflow-api.ts';
import { BatchLedger } from '../../src/workflows/batch-ledger.ts';

const input = (change: Partial<EnhanceBatchInput> = {}): EnhanceBatchInput => ({
  batchId: 'b-20260101-000000-aaaaaaaaaa',
  total: 10,
  kilopixels: 1000,
  maxWorkers: 3,
  priority: 3,
  tenant: 'default',
  heartbeatTimeoutMs: 10_000,
  ...change,
});

const pageOfPhotos = (page: number, total: number): OpenedPage => {
  const from = page * PHOTOS_PER_PAGE;
  const count = Math.min(PHOTOS_PER_PAGE, total - from);
  const pending = Array.from({ length: count }, (_, at) => ({
    index: from + at,
    name: `${from + at}`,
    kilopixels: 100,
  }));
  return { next: from + count, pending, completed: 0, failed: 0, settledKilopixels: 0 };
};

/** Plays the workflow: carries out every step at once, settles the oldest photo when the ledger waits. */
function play(start: EnhanceBatchInput, settle: (index: number) => 'completed' | 'failed' = () => 'completed') {
  const started: number[] = [];
  const runs: number[] = [];
  let widest = 0;
  let ledger = new BatchLedger(start, 0);
  let startedHere = 0;
  for (let guard = 0; guard < 1_000_000; guard++) {
    const step = ledger.nextStep(false);
    if (step.do === 'open page') ledger.pageOpened(step.page, pageOfPhotos(step.page, start.total));
    else if (step.do === 'enhance') {
      ledger.started(step.photo.index);
      started.push(step.photo.index);
      startedHere += 1;
      widest = Math.max(widest, ledger.progress(0).inFlight);
    } else if (step.do === 'wait') {
      const oldest = started.find((index) => ledger.isUnderWay(index));
      if (oldest === undefined) throw new Error('waits for nothing');
      ledger.settled(oldest, settle(oldest), 0);
    } else if (step.do === 'continue as new') {
      runs.push(startedHere);
      startedHere = 0;
      ledger = new BatchLedger({ ...start, carried: ledger.carried(0) }, 0);
    } else if (step.do === 'finish') {
      runs.push(startedHere);
      return { ledger, started, runs, widest };
    } else throw new Error(`unexpected ${step.do}`);
  }
  throw new Error('never finishes');
}

describe('batch ledger', () => {
  it.each([1, 2, 499, 500, 501, 1700])(
    'starts each of %i photos once, never more than the window at a time',
    (total) => {
      const { started, widest, ledger, runs } = play(input({ total, maxWorkers: 4 }));
      expect(started).toEqual(Array.from({ length: total }, (_, index) => index));
      expect(widest).toBe(Math.min(4, total));
      expect(Math.max(...runs)).toBeLessThanOrEqual(PHOTOS_PER_PAGE);
      expect(ledger.result()).toEqual({ status: 'completed', total, completed: total, failed: 0 });
    },
  );

  it('calls a batch failed when nothing succeeded, partial when something did', () => {
    expect(play(input(), () => 'failed').ledger.result().status).toBe('failed');
    expect(play(input(), (index) => (index === 3 ? 'failed' : 'completed')).ledger.result()).toEqual({
      status: 'partial_completed',
      total: 10,
      completed: 9,
      failed: 1,
    });
  });

  it('starts nothing while paused, and time paused does not count for the ETA', () => {
    const ledger = new BatchLedger(input(), 0);
    ledger.pageOpened(0, pageOfPhotos(0, 10));
    ledger.started(0);
    ledger.settled(0, 'completed', 1000);
    expect(ledger.pause(1000)).toBe(true);
    expect(ledger.pause(1500)).toBe(false);
    expect(ledger.nextStep(false)).toEqual({ do: 'wait' });
    expect(ledger.progress(90_000)).toMatchObject({ state: 'paused', activeMs: 1000, eta: null });
    expect(ledger.resume(100_000)).toBe(true);
    expect(ledger.progress(100_000)).toMatchObject({ state: 'running', activeMs: 1000, eta: 9 });
  });

  it('does the failed photos again after a retry was asked for, and only those', () => {
    const ledger = new BatchLedger(input({ total: 2, kilopixels: 200 }), 0);
    ledger.pageOpened(0, pageOfPhotos(0, 2));
    ledger.started(0);
    ledger.started(1);
    ledger.settled(0, 'failed', 0);
    expect(ledger.requestRetry()).toBe(true);
    ledger.settled(1, 'completed', 0);
    expect(ledger.nextStep(false)).toEqual({ do: 'survey' });
    ledger.surveyed({
      total: 2,
      kilopixels: 200,
      epoch: 1,
      completed: 1,
      failed: 0,
      settledKilopixels: 100,
      pages: [0],
    });
    expect(ledger.nextStep(false)).toEqual({ do: 'open page', page: 0, from: 0, countFrom: 2 });
    ledger.pageOpened(0, {
      next: 2,
      pending: [{ index: 0, name: '0', kilopixels: 100 }],
      completed: 0,
      failed: 0,
      settledKilopixels: 0,
    });
    const step = ledger.nextStep(false);
    expect(step).toMatchObject({ do: 'enhance', photo: { index: 0 } });
    expect(ledger.round).toBe(1);
    ledger.started(0);
    ledger.settled(0, 'completed', 0);
    expect(ledger.nextStep(false)).toEqual({ do: 'finish' });
    expect(ledger.result().status).toBe('completed');
  });

  it('widens and narrows its window while it runs', () => {
    const ledger = new BatchLedger(input({ maxWorkers: 1 }), 0);
    ledger.pageOpened(0, pageOfPhotos(0, 10));
    ledger.started(0);
    expect(ledger.nextStep(false)).toEqual({ do: 'wait' });
    ledger.setMaxWorkers(2);
    expect(ledger.nextStep(false)).toMatchObject({ do: 'enhance', photo: { index: 1 } });
  });

  it('keeps photos that a cancelled batch did not finish out of both counts', () => {
    const ledger = new BatchLedger(input(), 0);
    ledger.pageOpened(0, pageOfPhotos(0, 10));
    ledger.started(0);
    ledger.started(1);
    ledger.settled(0, 'completed', 0);
    ledger.cancel(10);
    ledger.settled(1, 'cancelled', 0);
    expect(ledger.result()).toEqual({ status: 'cancelled', total: 10, completed: 1, failed: 0 });
  });

  it('settles dropped photos whether queued, under way or on a page not yet opened', () => {
    const ledger = new BatchLedger(input({ total: 600 }), 0);
    ledger.pageOpened(0, pageOfPhotos(0, 600));
    ledger.started(0);
    expect(ledger.drop([0, 1, 599], 0)).toBe(true);
    expect(ledger.drop([0, 1, 599], 0)).toBe(false);
    expect(ledger.progress(0).failed).toBe(2);
    ledger.settled(0, 'cancelled', 0);
    expect(ledger.progress(0).failed).toBe(3);
    expect(ledger.nextStep(false)).toMatchObject({ do: 'enhance', photo: { index: 2 } });
    ledger.pageOpened(1, pageOfPhotos(1, 600));
    expect(ledger.photos().photos.some(({ photoId }) => photoId.endsWith('.599'))).toBe(false);
  });

  it('loses nothing that is queued when a run ends in the middle of a page', () => {
    const start = input({ total: 700 });
    let ledger = new BatchLedger(start, 0);
    const started: number[] = [];
    for (let runs = 0, guard = 0; guard < 10_000; guard += 1) {
      // Temporal's advice comes after 30 photos, wherever the run is by then.
      const step = ledger.nextStep(started.length >= (runs + 1) * 30);
      if (step.do === 'finish') break;
      if (step.do === 'continue as new') {
        ledger = new BatchLedger({ ...start, carried: ledger.carried(0) }, 0);
        runs += 1;
      } else if (step.do === 'open page') {
        const { pending, ...page } = pageOfPhotos(step.page, 700);
        const done = pending.filter(({ index }) => started.includes(index));
        const todo = pending.filter(({ index }) => index >= step.from && !done.some((one) => one.index === index));
        ledger.pageOpened(step.page, { ...page, pending: todo, completed: done.length, settledKilopixels: 1 });
      } else if (step.do === 'enhance') {
        started.push(step.photo.index);
        ledger.started(step.photo.index);
        ledger.settled(step.photo.index, 'completed', 0);
      }
    }
    expect(started).toEqual(Array.from({ length: 700 }, (_, index) => index));
    expect(ledger.result()).toEqual({ status: 'completed', total: 700, completed: 700, failed: 0 });
  });

  it('drops nothing that the batch has not got, or that an earlier run has settled', () => {
    const start = input({ total: 600 });
    const first = new BatchLedger(start, 0);
    first.pageOpened(0, pageOfPhotos(0, 600));
    for (let index = 0; index < PHOTOS_PER_PAGE; index += 1) {
      first.started(index);
      first.settled(index, 'completed', 0);
    }
    const second = new BatchLedger({ ...start, carried: first.carried(0) }, 0);
    expect(second.drop([3, 600, 4711], 0)).toBe(false);
    expect(second.drop([550], 0)).toBe(true);
    expect(second.progress(0)).toMatchObject({ completed: PHOTOS_PER_PAGE, failed: 1 });
  });

  it('counts a photo once that is taken out before its page is opened, whether the journal has heard of it or not', () => {
    const ledger = new BatchLedger(input({ total: 600 }), 0);
    ledger.pageOpened(0, pageOfPhotos(0, 600));
    expect(ledger.drop([550, 560], 0)).toBe(true);
    expect(ledger.progress(0)).toMatchObject({ failed: 2 });
    // 550 has its tombstone; 560 was taken out by a signal alone, and is pending still.
    const second = pageOfPhotos(1, 600);
    const pending = second.pending.filter(({ index }) => index !== 550);
    ledger.pageOpened(1, { ...second, pending, failed: 1, settledKilopixels: 100 });
    expect(ledger.progress(0)).toMatchObject({ failed: 2, completed: 0 });
    for (let index = 0; index < 600; index += 1) {
      if (index === 550 || index === 560) continue;
      ledger.started(index);
      ledger.settled(index, 'completed', 0);
    }
    expect(ledger.progress(0)).toMatchObject({ completed: 598, failed: 2, progress: 1 });
    expect(ledger.result().status).toBe('partial_completed');
  });

  it('counts photos that were refused once when a batch is resumed that has no outcome yet', () => {
    const ledger = new BatchLedger(input({ total: 3, resume: true }), 0);
    expect(ledger.nextStep(false)).toEqual({ do: 'survey' });
    const counts = { completed: 0, failed: 1, settledKilopixels: 100 };
    ledger.surveyed({ ...counts, total: 3, kilopixels: 300, epoch: 0, pages: [0] });
    const { pending } = pageOfPhotos(0, 2);
    ledger.pageOpened(0, { ...counts, next: 3, pending });
    for (const { index } of pending) {
      ledger.started(index);
      ledger.settled(index, 'completed', 0);
    }
    expect(ledger.progress(0)).toMatchObject({ completed: 2, failed: 1, progress: 1 });
    expect(ledger.nextStep(false)).toEqual({ do: 'finish' });
  });

  it('keeps photos that came while the journal was counted, and does them', () => {
    const ledger = new BatchLedger(input({ total: 2, kilopixels: 200, open: true, resume: true }), 0);
    ledger.added('meanwhile', { from: 2, count: 1, kilopixels: 100 });
    const counts = { completed: 2, failed: 0, settledKilopixels: 200, total: 2, kilopixels: 200, epoch: 1, pages: [] };
    ledger.surveyed(counts, { keepsWhatCame: true });
    expect(ledger.progress(0)).toMatchObject({ total: 3, completed: 2, kilopixels: { total: 300 } });
    expect(ledger.nextStep(false)).toEqual({ do: 'open page', page: 0, from: 2, countFrom: 2 });
  });

  it('counts what was refused of photos that are added in a later round', () => {
    const ledger = new BatchLedger(input({ total: 2, open: true, resume: true }), 0);
    const counts = { completed: 1, failed: 1, settledKilopixels: 200 };
    ledger.surveyed({ ...counts, total: 2, kilopixels: 200, epoch: 1, pages: [0] });
    ledger.added('late', { from: 2, count: 2, kilopixels: 100 });
    expect(ledger.nextStep(false)).toEqual({ do: 'open page', page: 0, from: 0, countFrom: 2 });
    const pending = [{ index: 3, name: '3', kilopixels: 100 }];
    ledger.pageOpened(0, { next: 4, pending, completed: 0, failed: 1, settledKilopixels: 0, countedFrom: 2 });
    ledger.started(3);
    ledger.settled(3, 'completed', 0);
    expect(ledger.progress(0)).toMatchObject({ total: 4, completed: 2, failed: 2, progress: 1 });
  });

  it('waits for photos while it is open, fills its last page bit by bit, and ends when it is sealed', () => {
    const ledger = new BatchLedger(input({ total: 0, kilopixels: 0, open: true }), 0);
    expect(ledger.nextStep(false)).toEqual({ do: 'wait' });
    ledger.added('first', { from: 0, count: 2, kilopixels: 200 });
    expect(ledger.nextStep(false)).toEqual({ do: 'open page', page: 0, from: 0, countFrom: 0 });
    ledger.pageOpened(0, pageOfPhotos(0, 2));
    ledger.started(0);
    ledger.added('second', { from: 2, count: 1, kilopixels: 100 });
    expect(ledger.addition('first')).toMatchObject({ from: 0, count: 2 });
    ledger.started(1);
    expect(ledger.nextStep(false)).toEqual({ do: 'open page', page: 0, from: 2, countFrom: 2 });
    const third = { index: 2, name: '2', kilopixels: 100 };
    ledger.pageOpened(0, { next: 3, pending: [third], completed: 0, failed: 0, settledKilopixels: 0 });
    expect(ledger.nextStep(false)).toEqual({ do: 'enhance', photo: third });
    ledger.started(2);
    for (const index of [0, 1, 2]) ledger.settled(index, 'completed', 0);
    expect(ledger.nextStep(false)).toEqual({ do: 'wait' });
    expect(ledger.progress(0)).toMatchObject({ state: 'running', open: true, eta: null });
    expect(ledger.seal()).toBe(true);
    expect(ledger.seal()).toBe(false);
    expect(ledger.nextStep(false)).toEqual({ do: 'finish' });
    expect(ledger.result()).toEqual({ status: 'completed', total: 3, completed: 3, failed: 0 });
  });

  it('counts an addition once that the journal remembers and this run does not', () => {
    const ledger = new BatchLedger(input({ total: 5, open: true }), 0);
    ledger.added('long ago', { from: 2, count: 1, kilopixels: 100 });
    expect(ledger.total).toBe(5);
    expect(ledger.addition('long ago')).toMatchObject({ from: 2, count: 1 });
    ledger.added('now', { from: 5, count: 2, kilopixels: 200 });
    expect(ledger.progress(0)).toMatchObject({ total: 7, kilopixels: { total: 1200 } });
  });

  it('continues as new when Temporal advises it, with nothing under way', () => {
    const ledger = new BatchLedger(input(), 0);
    ledger.pageOpened(0, pageOfPhotos(0, 10));
    ledger.started(0);
    expect(ledger.nextStep(true)).toEqual({ do: 'wait' });
    ledger.settled(0, 'completed', 0);
    expect(ledger.nextStep(true)).toEqual({ do: 'continue as new' });
  });
});
