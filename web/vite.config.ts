import { fileURLToPath } from 'node:url';
import vue from '@vitejs/plugin-vue';
import { defineConfig } from 'vite';

const inRepository = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** Paths that belong to the API; during `npx vite web` they are passed on to a running server. */
const API = ['/api', '/health'];

export default defineConfig({
  root: inRepository('.'),
  plugins: [vue()],
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
