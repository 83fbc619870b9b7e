import { chmodSync, existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { main, root, runNode, say, Trouble } from './command.mjs';
import { staleFiles, writeGenerated } from './generate.mjs';
import { ensureBuilt, ensureInstalled, stampBuild } from './setup.mjs';

/** `npm run build`; with `--generate` also writes the files made from the sources, with `--check` names those that are stale. */

// A whole build takes the place of the old one at the end: nobody ever runs half of one.
const draft = join(root, '.build', 'dist');

async function build() {
  rmSync(draft, { recursive: true, force: true });
  mkdirSync(draft, { recursive: true });
  stampBuild(draft);
  await compile();
  await bundleWorkflows();
  await buildPage();
  chmodSync(join(draft, 'cli/main.js'), 0o755);
  rmSync(join(root, 'dist'), { recursive: true, force: true });
  renameSync(draft, join(root, 'dist'));
  rmSync(join(root, '.build'), { recursive: true, force: true });
}

async function compile() {
  const args = ['-p', 'tsconfig.build.json', '--outDir', draft];
  const { code, output } = await runNode('node_modules/typescript/bin/tsc', args);
  if (code !== 0) throw new Trouble(`${output}The sources have type errors.`);
}

/** Workflow code as one file, made by the very version of the SDK that will run it: a worker starts in a third of the time. */
async function bundleWorkflows() {
  const { bundleWorkflowCode, DefaultLogger } = await import('@temporalio/worker');
  const { code } = await bundleWorkflowCode({
    workflowsPath: join(draft, 'workflows/index.js'),
    preloadModules: [join(draft, 'workflows/preload.js')],
    workflowInterceptorModules: [join(draft, 'workflows/traces.js')],
    logger: new DefaultLogger('WARN'),
  });
  writeFileSync(join(draft, 'workflow-bundle.js'), code);
}

async function buildPage() {
  const configFile = join(root, 'web/vite.config.ts');
  if (!existsSync(configFile)) return;
  const vite = await import('vite');
  const outDir = join(draft, 'web');
  await vite.build({ root: join(root, 'web'), configFile, logLevel: 'warn', build: { outDir, emptyOutDir: true } });
}

await main(async (args) => {
  await ensureInstalled();
  if (args.includes('--check')) {
    await ensureBuilt();
    const stale = await staleFiles();
    for (const path of stale) say(`${path} is stale: run \`npm run generate\`.`);
    return stale.length === 0 ? 0 : 1;
  }
  await build();
  if (args.includes('--generate')) for (const path of await writeGenerated()) say(`Wrote ${path}.`);
  return 0;
});
