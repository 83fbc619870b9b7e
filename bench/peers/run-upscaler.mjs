/**
 * The same as run_peer.py for UpscalerJS, with its own weights: `node run-upscaler.mjs FOLDER_WITH_IT slim|thick FROM TO`.
 *
 * It runs on TensorFlow.js with WebAssembly (SIMD, one thread: its threads are for browsers). The native TensorFlow of its
 * other form is fetched by an install script from outside the package index, and there is none for Node 20 everywhere.
 */
import { readFileSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import sharp from 'sharp';

const [folder, size, from, to] = process.argv.slice(2);
const require = createRequire(join(folder, 'package.json'));
const modules = join(folder, 'node_modules');

async function openUpscaler() {
  const tf = require('@tensorflow/tfjs');
  require('@tensorflow/tfjs-backend-wasm').setWasmPaths(join(modules, '@tensorflow/tfjs-backend-wasm/dist/'));
  await tf.setBackend('wasm');
  const Upscaler = require(join(modules, 'upscaler/dist/browser/umd/upscaler.min.js'));
  const known = require(`@upscalerjs/esrgan-${size}/4x`);
  // A browser's build fetches its weights.
  const weights = createServer((request, response) =>
    readFile(join(modules, `@upscalerjs/esrgan-${size}`, request.url)).then((file) => response.end(file)),
  );
  await new Promise((resolve) => weights.listen(0, '127.0.0.1', resolve));
  const path = `http://127.0.0.1:${weights.address().port}/models/x4/model.json`;
  const upscaler = new Upscaler({ model: { ...(known.default ?? known), path } });
  await upscaler.ready;
  weights.close();
  return async (file) => {
    const { data, info } = await sharp(file).removeAlpha().raw().toBuffer({ resolveWithObject: true });
    const picture = tf.tensor3d(data, [info.height, info.width, 3]);
    const larger = await upscaler.upscale(picture, { output: 'tensor' });
    const pixels = Uint8Array.from(await larger.clipByValue(0, 255).round().data());
    const raw = { width: info.width * 4, height: info.height * 4, channels: 3 };
    return sharp(pixels, { raw });
  };
}

const enlarge = await openUpscaler();
const startedAt = Date.now() / 1000;
const saved = [];
for (const name of (await readdir(from)).toSorted()) {
  await (await enlarge(join(from, name))).toFile(join(to, name));
  saved.push(Date.now() / 1000);
}
const peakMB = Number(/VmHWM:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))[1]) / 1000;
console.log(
  JSON.stringify({ seconds: saved.at(-1) - startedAt, later: saved.at(-1) - saved[0], firstAt: saved[0], peakMB }),
);
process.exit(0);
