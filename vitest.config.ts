import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    testTimeout: 60_000,
    hookTimeout: 120_000,
    pool: 'forks',
    // Two cores: real engines and real servers side by side only disturb each other.
    maxWorkers: 2,
    reporters: ['default'],
  },
});
