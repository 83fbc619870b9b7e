import { readdir } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * The last resort: the SDK's test environment fetches a server by itself from Temporal's own site. It checks no pinned
 * checksum, and it is there in a clone but not in an installed package, hence last and optional.
 * @returns the program, or `undefined` when this way is closed as well.
 */
export async function downloadWithSdk(folder: string, version: string): Promise<string | undefined> {
  try {
    const { TestWorkflowEnvironment } = await import('@temporalio/testing');
    const running = await TestWorkflowEnvironment.createLocal({
      server: { executable: { type: 'cached-download', downloadDir: folder, version: `v${version}` }, ui: false },
    });
    await running.teardown();
    const [program] = (await readdir(folder)).filter((name) => name.startsWith('temporal'));
    return program === undefined ? undefined : join(folder, program);
  } catch {
    return undefined; // the caller reports why the way before this one failed
  }
}
