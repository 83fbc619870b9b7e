import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import vue from '@vitejs/plugin-vue';
import { defineConfig, type Plugin } from 'vite';

const inRepository = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** Paths that belong to the API; during `npx vite web` they are passed on to a running server. */
const API = ['/api', '/health'];

/** Writes each script and style a second time, compressed, so that the server has nothing to compress. */
const compressed: Plugin = {
  name: 'compressed',
  generateBundle: {
    order: 'post',
    handler(_options, bundle) {
      for (const [fileName, made] of Object.entries(bundle)) {
        if (!/\.(js|css)$/.test(fileName)) continue;
        const source = gzipSync(made.type === 'chunk' ? made.code : made.source, { level: 9 });
        this.emitFile({ type: 'asset', fileName: `${fileName}.gz`, source });
      }
    },
  },
};

export default defineConfig({
  root: inRepository('.'),
  plugins: [vue(), compressed],
  build: {
    outDir: inRepository('../dist/web'),
    emptyOutDir: true,
    target: 'es2022',
    // One small script: nothing to preload, and nothing inlined that a strict content security policy would refuse.
    modulePreload: false,
    assetsInlineLimit: 0,
  },
  server: { proxy: Object.fromEntries(API.map((path) => [path, 'http://127.0.0.1:8000'])) },
});
