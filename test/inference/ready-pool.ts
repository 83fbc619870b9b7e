import { onTestFinished } from 'vitest';
import type { EnginePool, InstalledModel } from '../../src/inference/engine.ts';
import type { EnginePoolOptions } from '../../src/inference/engine-pool.ts';
import { startPool } from './support.ts';

/** A pool of the test's own that is ready, closed when the test ends. */
export async function readyPool(
  models: readonly InstalledModel[],
  changes: Partial<EnginePoolOptions> = {},
): Promise<EnginePool> {
  const pool = startPool(models, changes);
  onTestFinished(() => pool.close());
  await pool.ready();
  return pool;
}
