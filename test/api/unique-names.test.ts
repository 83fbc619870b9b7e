/** Files of one folder never share a name, and tens of thousands of equal names are told apart without a pause. */
import { expect, it } from 'vitest';
import { resultName, UniqueNames } from '../../src/api/downloads/result-names.ts';
import { Targets } from '../../src/api/sources/targets.ts';

const PHOTOS = 30_000;

it('results that would be one file have numbers, whatever their capitals and formats', () => {
  const targets = new Targets();
  const asked = [
    ['a.bmp', 'bmp'],
    ['a.png', 'png'],
    ['A.PNG', 'png'],
    ['a-2.png', 'png'],
    ['a.jpg', 'jpeg'],
  ] as const;
  const given = asked.map(([name, format]) => targets.take(name, format));
  expect(given).toEqual(['a.bmp', 'a-2.png', 'A-3.PNG', 'a-2-2.png', 'a.jpg']);
  expect(['b.jpg', 'b.png', 'b'].map((name) => targets.takeUnknown(name))).toEqual(['b.jpg', 'b-2.jpg', 'b-3.jpg']);
});

it('as many equal names as a large folder has are numbered at once', () => {
  const targets = new Targets();
  const names = new UniqueNames();
  const before = performance.now();
  let last = ['', ''];
  for (let photo = 0; photo < PHOTOS; photo += 1) last = [targets.take('a.jpg', 'jpeg'), names.take('a.jpg')];
  expect(last).toEqual([`a-${PHOTOS}.jpg`, `a (${PHOTOS}).jpg`]);
  expect(performance.now() - before).toBeLessThan(5000);
});

it('a name that is all spaces and dots inside is made safe at once', () => {
  const before = performance.now();
  expect(resultName(`a${' .'.repeat(200_000)} and more words`, '.png')).toMatch(/^a[ .]{119}_enhanced\.png$/);
  expect(performance.now() - before).toBeLessThan(1000);
});
