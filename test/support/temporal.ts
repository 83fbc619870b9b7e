import { homedir } from 'node:os';
import { fileURLToPath } from 'node:url';
import { join } from 'node:path';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import { bundleWorkflowCode, DefaultLogger, Runtime, type WorkflowBundleWithSourceMap } from '@temporalio/worker';
import { SEARCH_ATTRIBUTE_KEYS } from '../../src/contracts/search-attributes.ts';
import { provideProgram } from '../../src/temporal/provide-temporal.ts';

const cacheDir =
  process.env['CACHE_DIR'] ?? join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'darkroom');

/**
 * A real Temporal server of this test's own, in memory, on free ports; `teardown()` ends it.
 * @param settings - of its dynamic configuration, as `name=value`
 */
export async function startTemporal(settings: readonly string[] = []): Promise<TestWorkflowEnvironment> {
  const { program } = await provideProgram(cacheDir, {
    environment: process.env,
    platform: process.platform,
    architecture: process.arch,
    signal: AbortSignal.timeout(300_000),
  });
  return TestWorkflowEnvironment.createLocal({
    server: {
      executable: { type: 'existing-path', path: program },
      searchAttributes: Object.values(SEARCH_ATTRIBUTE_KEYS),
      extraArgs: [
        'history.transferProcessorMaxPollRPS=500',
        'history.MaxBufferedQueryCount=100',
        'matching.enableFairness=true',
        'matching.numTaskqueueReadPartitions=1',
        'matching.numTaskqueueWritePartitions=1',
        ...settings,
      ].flatMap((setting) => ['--dynamic-config-value', setting]),
      log: { format: 'pretty', level: 'error' },
    },
  });
}

Runtime.install({ logger: new DefaultLogger('ERROR') });

let bundle: Promise<WorkflowBundleWithSourceMap> | undefined;

/** The workflows as they are in the source now, bundled once for a test file. */
export const workflowBundle = (): Promise<WorkflowBundleWithSourceMap> =>
  (bundle ??= bundleWorkflowCode({
    workflowsPath: fileURLToPath(new URL('../../src/workflows/index.ts', import.meta.url)),
    workflowInterceptorModules: [fileURLToPath(new URL('../../src/workflows/traces.ts', import.meta.url))],
    logger: { trace() {}, debug() {}, info() {}, warn: console.warn, error: console.error, log() {} },
  }));
