/** Property: a worker asks for a photo when an engine has a use for it, and for none before. */
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Demand } from '../../src/inference/engine.ts';
import { PhotosInEngine } from '../../src/inference/photos-in-engine.ts';
import type { Step } from '../../src/inference/protocol.ts';
import { openTicket, type Ticket } from '../../src/inference/ticket.ts';
import { PhotoSlots } from '../../src/worker/photo-slots.ts';

const never = new AbortController().signal;
afterEach(() => void vi.useRealTimers());

describe('slots', () => {
  /** Engines that want so many photos besides those that have arrived. */
  function openSlots(places: number): { slots: PhotoSlots; want(photos: number): void } {
    let wanted = 0;
    let tell = (): void => undefined;
    const demand: Demand = { places, wanted: () => wanted, onChange: (listener) => (tell = listener) };
    return {
      slots: new PhotoSlots(demand),
      want(photos) {
        wanted = photos;
        tell();
      },
    };
  }

  it('wait until a photo is wanted, and count polls as photos that come', async () => {
    const { slots, want } = openSlots(2);
    expect(slots.tryReserveSlot()).toBeNull();
    const granted: string[] = [];
    const reserve = async (name: string): Promise<void> => {
      await slots.reserveSlot({}, never);
      granted.push(name);
    };
    const both = [reserve('first'), reserve('second')];
    want(1);
    await both[0];
    expect(granted).toEqual(['first']);
    // The photo has come to its engine, which will soon want the next.
    const stay = slots.openStay();
    stay.arrive();
    want(0);
    await new Promise(setImmediate);
    expect(granted).toEqual(['first']);
    want(1);
    await both[1];
    // As many as there are places, whatever is wanted.
    expect(slots.tryReserveSlot()).toBeNull();
    stay.end();
    slots.releaseSlot();
    want(2);
    expect(slots.tryReserveSlot()).not.toBeNull();
  });

  it('are given up with the SDK’s own reason when the worker stops', async () => {
    const { slots } = openSlots(2);
    const stop = new AbortController();
    const reserving = slots.reserveSlot({}, stop.signal);
    const reason = new Error('the worker stops');
    stop.abort(reason);
    await expect(reserving).rejects.toBe(reason);
  });

  it('do not wait for a photo whose original is long in coming', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const { slots, want } = openSlots(2);
    want(1);
    slots.tryReserveSlot();
    const stay = slots.openStay();
    const next = slots.reserveSlot({}, never);
    await vi.advanceTimersByTimeAsync(5001);
    expect(await next).toEqual({});
    // It arrives at last, and counts once.
    stay.arrive();
    stay.end();
    slots.releaseSlot();
    expect(slots.tryReserveSlot()).toBeNull();
  });

  it('are free again when a photo is settled that never came to an engine', () => {
    const { slots, want } = openSlots(2);
    want(1);
    expect(slots.tryReserveSlot()).not.toBeNull();
    expect(slots.tryReserveSlot()).toBeNull();
    slots.openStay().end();
    slots.releaseSlot();
    expect(slots.tryReserveSlot()).not.toBeNull();
  });
});

describe('an engine', () => {
  const step = (stage: Step['stage'], networkLeftMs?: number): Step => ({
    stage,
    tilesDone: 0,
    tilesTotal: 4,
    expectedMs: 0,
    ...(networkLeftMs !== undefined && { networkLeftMs }),
  });
  const open = (id: number): Ticket =>
    openTicket(
      id,
      {
        job: { options: { tileSize: 400 } } as Ticket['job'],
        signal: never,
        onProgress: () => undefined,
        resolve: () => undefined,
        reject: () => undefined,
      },
      () => undefined,
    );
  const engineWith = (...steps: Step[]): PhotosInEngine => {
    const photos = new PhotosInEngine(60_000, () => undefined);
    for (const [id, taken] of steps.entries()) {
      const ticket = open(id);
      photos.add(ticket);
      photos.stepped(ticket, taken);
    }
    return photos;
  };
  const ask = (places: number, ...steps: Step[]): number => {
    const photos = engineWith(...steps);
    const answer = photos.useFor(places);
    photos.removeAll();
    return answer;
  };

  it.each<[string, number, Step[]]>([
    ['one when it has none', 1, []],
    ['none while it decodes, for the next would wait', 0, [step('decoding')]],
    ['none while nobody knows how long the network takes', 0, [step('enhancing')]],
    ['none while the network takes long', 0, [step('enhancing', 60_000)]],
    ['one when the network has nearly done', 1, [step('enhancing', 1000)]],
    ['one when the network is free', 1, [step('encoding')]],
    ['one when faces and sizes are all that is left', 1, [{ ...step('enhancing'), tilesDone: 4 }]],
    ['none when both places are taken', 0, [step('encoding'), step('enhancing', 1000)]],
  ])('of a processor wants %s', (_, wanted, steps) => {
    expect(ask(2, ...steps)).toBe(wanted);
  });

  it.each<[string, number, Step[]]>([
    ['as many as it has places', 8, []],
    ['more while they are decoded', 6, [step('decoding'), step('enhancing', 100)]],
    ['none while one waits for the network', 0, [step('enhancing', 100), step('waiting')]],
    ['none while the network has enough to do', 0, [step('decoding'), step('enhancing', 20_000)]],
  ])('of a graphics processor wants %s', (_, wanted, steps) => {
    expect(ask(8, ...steps)).toBe(wanted);
  });
});
