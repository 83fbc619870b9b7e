/**
 * Batches that are running while Darkroom is upgraded go on: histories recorded from earlier code replay on today's. A
 * change that breaks one needs `patched()`; see docs/07-changing-workflows.md.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Worker } from '@temporalio/worker';
import { describe, expect, it } from 'vitest';
import { KEEP_RETENTION } from '../../src/contracts/retention.ts';
import { DELIVER_WEBHOOK, TELL_PHOTOS } from '../../src/contracts/webhooks.ts';
import { ENHANCE_BATCH, ROLL_BACK } from '../../src/contracts/workflow-api.ts';
import { HISTORIES } from '../support/histories.ts';
import { workflowBundle } from '../support/temporal.ts';

const stages = readdirSync(HISTORIES);
const recorded = stages.flatMap((stage) =>
  readdirSync(join(HISTORIES, stage))
    .filter((name) => name.endsWith('.json'))
    .map((name) => ({ stage, name, type: name.split('.')[0] })),
);

describe('recorded histories', () => {
  it('cover every workflow type, from more than one stage', () => {
    expect(new Set(recorded.map(({ type }) => type))).toEqual(
      new Set([ENHANCE_BATCH, ROLL_BACK, KEEP_RETENTION, DELIVER_WEBHOOK, TELL_PHOTOS]),
    );
    expect(stages.length).toBeGreaterThan(1);
  });

  it.each(recorded)('of $stage: $name replays', async ({ stage, name }) => {
    const history: unknown = JSON.parse(readFileSync(join(HISTORIES, stage, name), 'utf8'));
    await Worker.runReplayHistory({ workflowBundle: await workflowBundle() }, history);
  });
});
