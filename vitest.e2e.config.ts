import { defineConfig } from 'vitest/config';

/** Whole houses, one after the other: each has two cores to itself, as on a small machine of a user. */
export default defineConfig({
  test: {
    include: ['test/e2e/**/*.e2e.ts'],
    testTimeout: 180_000,
    hookTimeout: 180_000,
    pool: 'forks',
    fileParallelism: false,
    reporters: ['default'],
  },
});
