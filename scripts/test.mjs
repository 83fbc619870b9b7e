import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { main, root, runNode, say, Trouble } from './command.mjs';
import { providePython } from './python.mjs';
import { keepReport } from './reports.mjs';
import { provideS3Server } from './s3-server.mjs';
import { ensureBuilt, ensureInstalled, requireNode } from './setup.mjs';

/**
 * `npm test [-- FILES…]`: sets itself up (packages, build, a real Temporal server, a real model), runs the suite, and closes
 * with `N passed, N failed` alone on the last line.
 */

const built = async (path) => await import(pathToFileURL(join(root, 'dist', path)).href);

/** Fetched once here, so that no test waits for a download or fetches the same thing beside another. */
async function provision() {
  const { loadConfig } = await built('load-config.js');
  const { provideProgram } = await built('temporal/provide-temporal.js');
  const { readCatalogue } = await built('models/catalogue.js');
  const { installModel } = await built('models/install-model.js');
  const { config, environment } = loadConfig(process.env);
  const { signal } = new AbortController();
  const { platform, arch: architecture } = process;
  const { program } = await provideProgram(config.CACHE_DIR, { environment, platform, architecture, signal });
  const installation = { cacheDir: config.CACHE_DIR, mirrorDir: config.MODEL_MIRROR, environment, signal };
  for (const entry of await readCatalogue()) {
    await installModel(entry, installation).catch((error) =>
      say(`Tests with the network ${entry.name} cannot run: ${error.message}`),
    );
  }
  const { installFaceModel } = await built('models/face-models.js');
  const { readFaceCatalogue } = await built('models/catalogue.js');
  for (const entry of (await readFaceCatalogue()).filter(({ role }) => role === 'face-detector')) {
    await installFaceModel(entry, installation).catch((error) =>
      say(`Tests with real faces cannot run: ${error.message}`),
    );
  }
  const s3Server = await provideS3Server(config.CACHE_DIR);
  const python = await providePython('clients', join(root, 'test/clients/requirements.txt'), 'tests of Python clients');
  return {
    ...environment,
    TEMPORAL_CLI_PATH: program,
    ...(s3Server ? { VERSITYGW: s3Server } : {}),
    ...(python ? { DARKROOM_PYTHON: python } : {}),
  };
}

/** Counts of the run; a file that could not even be loaded, and an error outside of tests, count as failures. */
function countTests(reportFile, code) {
  if (!existsSync(reportFile)) return { passed: 0, failed: 1, skipped: 0 };
  const report = JSON.parse(readFileSync(reportFile, 'utf8'));
  const broken = report.testResults.filter(
    ({ status, assertionResults }) => status === 'failed' && !assertionResults.some((one) => one.status === 'failed'),
  ).length;
  const failed = report.numFailedTests + broken;
  const unexplained = code !== 0 && failed === 0 ? 1 : 0;
  return {
    passed: report.numPassedTests,
    failed: failed + unexplained,
    skipped: report.numPendingTests + report.numTodoTests,
  };
}

await main(async (filters) => {
  requireNode();
  await ensureInstalled();
  await ensureBuilt();
  const env = await provision();
  const folder = mkdtempSync(join(tmpdir(), 'darkroom-test-'));
  try {
    const reportFile = join(folder, 'report.json');
    const args = ['run', '--reporter=default', '--reporter=json', `--outputFile.json=${reportFile}`, ...filters];
    const { code } = await runNode(join(root, 'node_modules/vitest/vitest.mjs'), args, { show: true, env });
    keepReport(reportFile);
    const { passed, failed, skipped } = countTests(reportFile, code);
    console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`);
    if (code === 127) throw new Trouble('vitest could not be started.');
    return failed === 0 ? 0 : 1;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
