/** As many photos are in an engine as its device and its memory are for, in the order they came, and none waits for ever. */
import { describe, expect, it } from 'vitest';
import { photoBytes, PhotoRoom } from '../../src/inference/photo-room.ts';
import { isCrowd, photosAtOnce } from '../../src/inference/photos-at-once.ts';

const never = new AbortController().signal;
const nothing = (): void => undefined;

/** Lets what is settled be heard. */
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Photos that ask for room at once; `inside` are those that have it, by name. */
async function crowd(room: PhotoRoom, photos: Record<string, number>) {
  const inside = new Map<string, () => void>();
  const waited: string[] = [];
  const aborts = new Map<string, AbortController>();
  for (const [name, bytes] of Object.entries(photos)) {
    const abort = new AbortController();
    aborts.set(name, abort);
    room
      .enter(bytes, abort.signal, () => waited.push(name))
      .then(
        (leave) => inside.set(name, leave),
        () => inside.set(`${name} gave up`, nothing),
      );
  }
  await settle();
  return {
    waited,
    abort: async (name: string) => {
      aborts.get(name)?.abort();
      await settle();
    },
    leave: async (name: string) => {
      inside.get(name)?.();
      inside.delete(name);
      await settle();
    },
    names: () => [...inside.keys()],
  };
}

describe('photos at a time', () => {
  it('are two on a processor, however many cores it has, and one a core elsewhere', () => {
    expect(['cpu', 'cuda', 'webgpu'].map((device) => photosAtOnce(device, 16, 0))).toEqual([2, 16, 16]);
    expect(photosAtOnce('cuda', 1, 0)).toBe(2);
  });

  it('are as many as somebody asked for', () => {
    expect([photosAtOnce('cpu', 2, 5), photosAtOnce('cuda', 16, 1)]).toEqual([5, 1]);
    expect([1, 2, 3].map(isCrowd)).toEqual([false, false, true]);
  });
});

describe('room for photos', () => {
  it('is given by size, first come first served: a small one does not overtake a large one', async () => {
    const room = await crowd(new PhotoRoom(10), { a: 4, b: 4, large: 8, small: 1 });
    expect(room.names()).toEqual(['a', 'b']);
    expect(room.waited).toEqual(['large', 'small']);
    await room.leave('a');
    expect(room.names()).toEqual(['b']);
    await room.leave('b');
    expect(room.names()).toEqual(['large', 'small']);
  });

  it('is there for a photo that is larger than all of it, once it is alone', async () => {
    const room = await crowd(new PhotoRoom(10), { a: 1, huge: 50, b: 1 });
    expect(room.names()).toEqual(['a']);
    await room.leave('a');
    expect(room.names()).toEqual(['huge']);
    await room.leave('huge');
    expect(room.names()).toEqual(['b']);
  });

  it('is not held by one that gave up waiting', async () => {
    const room = await crowd(new PhotoRoom(10), { a: 8, large: 8, small: 2 });
    await room.abort('large');
    expect(room.names()).toEqual(['a', 'small', 'large gave up']);
  });

  it('is refused to one that was cancelled before', async () => {
    const gone = AbortSignal.abort(new Error('cancelled'));
    await expect(new PhotoRoom(10).enter(1, gone, nothing)).rejects.toThrow('cancelled');
    await expect(new PhotoRoom(10).enter(1, never, nothing)).resolves.toBeTypeOf('function');
  });

  it('is reckoned by what the codec of the result holds', () => {
    const [photo, result] = [
      { width: 1000, height: 1000, depth: 8 },
      { width: 4000, height: 4000 },
    ];
    const megabytes = (['png', 'webp', 'jpeg', 'avif'] as const).map((format) =>
      Math.round(photoBytes(photo, result, format) / 1e6),
    );
    // A JPEG of more than 4 megapixels is written by rows.
    expect(megabytes).toEqual([56, 152, 56, 632]);
    expect(Math.round(photoBytes(photo, { width: 2000, height: 2000 }, 'jpeg') / 1e6)).toBe(108);
  });
});
