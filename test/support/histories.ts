import { mkdir, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { join } from 'node:path';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import { Worker } from '@temporalio/worker';
import { workflowBundle } from './temporal.ts';

export const HISTORIES = fileURLToPath(new URL('../histories', import.meta.url));

/** Longer ones would weigh on the repository and prove nothing more. */
const EVENTS_AT_MOST = 400;

/**
 * Replays every closed or open history of a workflow type with the workflows of the source as they are now. With
 * RECORD_HISTORIES=1 the shorter ones are kept in `test/histories`, below the day, under the name of the test that made them.
 * @returns how many were replayed
 */
export async function replayHistories(
  env: TestWorkflowEnvironment,
  workflowType: string,
  nameOf: (workflowId: string) => string | undefined,
): Promise<number> {
  const bundle = await workflowBundle();
  let replayed = 0;
  const times = new Map<string, number>();
  for await (const each of env.client.workflow.list({ query: `WorkflowType = "${workflowType}"` }).intoHistories()) {
    const { workflowId } = each;
    const history = each.history as Parameters<typeof historyToJSON>[0]; // typed as unknown by the client
    await Worker.runReplayHistory({ workflowBundle: bundle }, history, workflowId);
    replayed += 1;
    const name = nameOf(workflowId);
    if (process.env['RECORD_HISTORIES'] !== '1' || name === undefined) continue;
    if ((history.events?.length ?? 0) > EVENTS_AT_MOST) continue;
    const slug = slugOf(name);
    const time = (times.get(slug) ?? 0) + 1;
    times.set(slug, time);
    const folder = join(HISTORIES, new Date().toISOString().slice(0, 10));
    await mkdir(folder, { recursive: true });
    await writeFile(
      join(folder, `${workflowType}.${slug}.${time}.json`),
      `${withoutStackTraces(historyToJSON(history))}\n`,
    );
  }
  return replayed;
}

const slugOf = (name: string): string =>
  name
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .slice(0, 60);

/** They carry paths of the machine that recorded them. */
const withoutStackTraces = (json: string): string =>
  JSON.stringify(JSON.parse(json), (key, value: unknown) => (key === 'stackTrace' ? undefined : value));
