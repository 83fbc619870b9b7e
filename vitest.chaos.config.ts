import { defineConfig } from 'vitest/config';

/**
 * Faults at random moments. Without settings one of each number strikes, CHAOS_ROUNDS=all is each once, CHAOS_ROUNDS=100 the long
 * form; CHAOS_SEED repeats a run.
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
