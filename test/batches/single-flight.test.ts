/**
 * Whoever is asked is asked once for all watchers, and never more often than the answer's age allows. Who cannot wait gets
 * the answer before, as long as it is young enough; who has changed something never does.
 */
import { describe, expect, it } from 'vitest';
import { SingleFlight } from '../../src/batches/single-flight.ts';

/** Answers that come when the test says so, by a clock that the test moves. */
function stage() {
  const clock = { now: 10_000 };
  const asked: { answer(value: string): void; fail(error: Error): void }[] = [];
  const flight = new SingleFlight<string>({ ttlMs: 1000, capacity: 2, now: () => clock.now });
  const ask = () =>
    new Promise<string>((resolve, reject) => {
      asked.push({ answer: resolve, fail: reject });
    });
  return { clock, asked, get: (key = 'a') => flight.get(key, ask), soon: () => flight.getSoon('a', ask), flight };
}

describe('single flight', () => {
  it('shares an answer while it is on its way and for its time after', async () => {
    const { clock, asked, get } = stage();
    const watchers = [get(), get()];
    asked[0]?.answer('one');
    expect(await Promise.all(watchers)).toEqual(['one', 'one']);
    clock.now += 999;
    expect(await get()).toBe('one');
    clock.now += 1;
    void get();
    expect(asked).toHaveLength(2);
  });

  it('asks again after a failure, and remembers no more answers than it may', async () => {
    const { asked, get } = stage();
    const first = get();
    asked[0]?.fail(new Error('away'));
    await expect(first).rejects.toThrow('away');
    void get();
    void get('b');
    void get('c');
    void get();
    expect(asked).toHaveLength(5);
  });

  it('gives the answer before to those who cannot wait, and asks all the same', async () => {
    const { clock, asked, soon } = stage();
    const first = soon();
    asked[0]?.answer('one');
    expect(await first).toBe('one');
    clock.now += 1500;
    expect(await Promise.all([soon(), soon()])).toEqual(['one', 'one']);
    expect(asked).toHaveLength(2);
    asked[1]?.answer('two');
    expect(await soon()).toBe('two');
  });

  it('waits when an answer comes at once, when there is none before, and when that is too old', async () => {
    const { clock, asked, soon } = stage();
    const first = soon();
    asked[0]?.answer('one');
    await first;
    clock.now += 1500;
    const second = soon();
    asked[1]?.answer('two');
    expect(await second).toBe('two');
    clock.now += 3000;
    const third = soon();
    setTimeout(() => asked[2]?.answer('three'), 200);
    expect(await third).toBe('three');
  });

  it('never gives an answer from before something was changed', async () => {
    const { clock, asked, soon, flight } = stage();
    const first = soon();
    asked[0]?.answer('one');
    await first;
    clock.now += 1500;
    void soon();
    flight.forget('a');
    const changed = soon();
    setTimeout(() => asked[2]?.answer('changed'), 200);
    asked[1]?.answer('before');
    expect(await changed).toBe('changed');
  });

  it('does not take an answer from before the clock was set back for a fresh one', async () => {
    const { clock, asked, get } = stage();
    const first = get();
    asked[0]?.answer('one');
    await first;
    clock.now -= 5000;
    void get();
    expect(asked).toHaveLength(2);
  });
});
