/**
 * Networks, engine and house on a graphics processor, as absolute figures: there, unlike on a shared processor, they count.
 *
 *     npm run bench:gpu -- [--providers cuda,webgpu,tensorrt,cpu] [--networks …] [--precisions half,full] [--tiles 256,400,800]
 *                          [--parts network,engine,house] [--engines 1,4] [--photos 30] [--at-once 64] [--seconds 600]
 *                          [--out FILE] [--quick]
 *
 * Prints a line of JSON for each measurement, with what it was told, and appends it to the file. A part that fails, hangs or crashes
 * is named and the others go on; none is started after so many seconds.
 */
import { fork } from 'node:child_process';
import { appendFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { fileURLToPath } from 'node:url';
import { versions } from './versions.mjs';

const { values: wanted } = parseArgs({
  options: {
    providers: { type: 'string', default: 'cuda,webgpu,tensorrt,cpu' },
    networks: { type: 'string', default: 'darkroom-fast-x4,realesrgan-x4plus,realesr-general-x4v3' },
    precisions: { type: 'string', default: 'half,full' },
    tiles: { type: 'string', default: '256,400,800' },
    parts: { type: 'string', default: 'network,engine,house' },
    engines: { type: 'string', default: '1,4' },
    photos: { type: 'string', default: '30' },
    megapixels: { type: 'string', default: '1' },
    'at-once': { type: 'string', default: '64' },
    'tile-size': { type: 'string', default: '400' },
    likeness: { type: 'string', default: '160' },
    'seconds-a-tile': { type: 'string', default: '1.5' },
    'seconds-a-part': { type: 'string', default: '120' },
    seconds: { type: 'string', default: '600' },
    out: { type: 'string' },
    /** Says on every line which run it is of, such as that with another setting of the driver. */
    label: { type: 'string' },
    quick: { type: 'boolean', default: false },
  },
});
const QUICK = {
  tiles: '64',
  photos: '2',
  megapixels: '0.02',
  likeness: '48',
  'seconds-a-tile': '0',
  engines: '1',
  networks: 'darkroom-fast-x4',
};
const settings = wanted.quick ? { ...wanted, ...QUICK } : wanted;
const list = (name) => settings[name].split(',');
const numbers = (name) => list(name).map(Number);
/** Which level a network serves, for the house. */
const LEVELS = { 'darkroom-fast-x4': 'fast', 'realesrgan-x4plus': 'high' };

const until = performance.now() + Number(settings.seconds) * 1000;

function write(line) {
  const text = JSON.stringify({ ...(settings.label && { label: settings.label }), ...line });
  console.log(text);
  if (settings.out !== undefined) appendFileSync(settings.out, `${text}\n`);
}

/** Settles when the part's process is gone; whether anything but a failure was measured. */
function run(work) {
  const left = Math.min(until - performance.now(), Number(settings['seconds-a-part']) * 1000);
  if (left < 1000) {
    write({ ...work, what: 'left out', error: 'no time was left' });
    return Promise.resolve(false);
  }
  return new Promise((resolve) => {
    const child = fork(fileURLToPath(new URL('./gpu-parts.mjs', import.meta.url)), [JSON.stringify(work)]);
    let [measured, failed, late] = [false, false, false];
    const timer = setTimeout(() => {
      late = true;
      child.kill('SIGKILL');
    }, left);
    child.on('message', (measurement) => {
      failed ||= measurement.what === 'failed';
      measured ||= measurement.what !== 'failed';
      write({ ...work, ...measurement });
    });
    child.once('exit', (code, signal) => {
      clearTimeout(timer);
      if (late) write({ ...work, what: 'failed', error: `not done after ${Math.round(left / 1000)} s` });
      else if (!measured && !failed) write({ ...work, what: 'failed', error: `ended with ${signal ?? code}` });
      resolve(measured);
    });
  });
}

/** By provider, the first choice first; a provider that cannot be used is given up after its first network. */
async function networks(provider) {
  for (const network of list('networks')) {
    for (const precision of provider === 'cpu' ? ['full'] : list('precisions')) {
      const work = { provider, network, precision, tiles: numbers('tiles') };
      const more = { likeness: Number(settings.likeness), secondsATile: Number(settings['seconds-a-tile']) };
      const usable = await run({ part: 'network', ...work, ...more });
      if (!usable && network === list('networks')[0] && precision === list('precisions').at(-1)) return;
    }
  }
}

async function photosThrough(part, provider) {
  for (const network of list('networks').filter((name) => part === 'engine' || LEVELS[name] !== undefined)) {
    for (const engines of numbers('engines')) {
      const photos = { photos: Number(settings.photos), megapixels: Number(settings.megapixels) };
      const tileSize = Number(settings['tile-size']);
      const atOnce = Number(settings['at-once']);
      await run({ part, provider, network, quality: LEVELS[network], engines, ...photos, tileSize, atOnce });
    }
  }
}

write({ what: 'versions', ...(await versions()) });
for (const provider of list('providers')) {
  for (const part of list('parts')) await (part === 'network' ? networks(provider) : photosThrough(part, provider));
}
