/**
 * Batches that are running while Darkroom is upgraded go on: histories recorded from earlier code replay on today's. A
 * change that breaks one needs `patched()`; see docs/07-changing-workflows.md.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Worker } from '@temporalio/worker';
import { describe, expect, it } from 'vitest';
import { HISTORIES } from '../support/histories.ts';
import { workflowBundle } from '../support/temporal.ts';

const recorded = readdirSync(HISTORIES).filter((name) => name.endsWith('.json'));

describe('recorded histories', () => {
  it('cover every workflow type', () => {
    expect(new Set(recorded.map((name) => name.split('.')[0]))).toEqual(new Set(['enhanceBatch', 'rollBack']));
  });

  it.each(recorded)('%s replays', async (name) => {
    const history: unknown = JSON.parse(readFileSync(join(HISTORIES, name), 'utf8'));
    await Worker.runReplayHistory({ workflowBundle: await workflowBundle() }, history);
  });
});
