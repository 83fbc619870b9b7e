import { defineConfig } from 'vitest/config';

/**
 * Faults at random moments. Without settings each strikes once; CHAOS_ROUNDS=100 is the long form, CHAOS_SEED repeats a run.
 */
export default defineConfig({
  test: {
    include: ['test/chaos/**/*.chaos.ts'],
    testTimeout: 240_000,
    hookTimeout: 240_000,
    pool: 'forks',
    fileParallelism: false,
    reporters: ['default'],
  },
});
