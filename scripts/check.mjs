import { main, runNode, say } from './command.mjs';
import { ensureInstalled, requireNode } from './setup.mjs';

/**
 * `npm run check`: format, lint with types and import law, types, unused exports, generated files. Every failure is shown,
 * not only the first; with `--fix` what can be mended is. Closes with `N passed, N failed`.
 */

const CHECKS = [
  {
    name: 'format',
    check: ['node_modules/prettier/bin/prettier.cjs', '--check', '--log-level=warn', '.'],
    fix: ['node_modules/prettier/bin/prettier.cjs', '--write', '--log-level=warn', '.'],
  },
  {
    name: 'lint and import law',
    check: ['node_modules/oxlint/bin/oxlint', '--type-aware', '--deny-warnings'],
    fix: ['node_modules/oxlint/bin/oxlint', '--type-aware', '--deny-warnings', '--fix'],
  },
  { name: 'types', check: ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.json'] },
  { name: 'types of the page', check: ['scripts/page-types.mjs'] },
  { name: 'unused files, exports and packages', check: ['node_modules/knip/bin/knip.js', '--no-progress'] },
  {
    name: 'generated files',
    check: ['scripts/build.mjs', '--check'],
    fix: ['scripts/build.mjs', '--generate'],
  },
];

await main(async (args) => {
  requireNode();
  await ensureInstalled();
  let failed = 0;
  for (const { name, check, fix } of CHECKS) {
    const [script, ...rest] = args.includes('--fix') && fix !== undefined ? fix : check;
    const { code, output } = await runNode(script, rest);
    say(`${code === 0 ? 'ok    ' : 'FAILED'} ${name}`);
    if (code === 0) continue;
    failed += 1;
    say(output.trimEnd());
  }
  console.log(`${CHECKS.length - failed} passed, ${failed} failed`);
  return failed === 0 ? 0 : 1;
});
