import { main, runProgram, say } from './command.mjs';

/**
 * `npm run test:audit`: known weaknesses of every package in the lock file, by `npm audit`. A registry that offers no audit (a
 * mirror seldom does) is no verdict: that is said, and counts as skipped. Closes with `N passed, N failed`.
 */
await main(async () => {
  const { output } = await runProgram('npm', ['audit', '--json', '--no-update-notifier']);
  const report = parse(output);
  const counts = report?.metadata?.vulnerabilities;
  if (counts === undefined) {
    say(`npm audit gave no verdict: ${report?.message ?? output.trim().split('\n')[0]}`);
    console.log('0 passed, 0 failed, 1 skipped');
    return 0;
  }
  for (const { name, severity, range, via } of Object.values(report.vulnerabilities)) {
    const why = via.map((cause) => (typeof cause === 'string' ? `through ${cause}` : cause.url)).join(', ');
    say(`${severity}: ${name} ${range} (${why})`);
  }
  say(`${counts.total} known weaknesses in ${report.metadata.dependencies.total} packages.`);
  console.log(counts.total === 0 ? '1 passed, 0 failed' : '0 passed, 1 failed');
  return counts.total === 0 ? 0 : 1;
});

/** The report is the one JSON object in what npm prints; warnings come before it. */
function parse(output) {
  try {
    return JSON.parse(output.slice(output.indexOf('\n{') + 1));
  } catch {
    return undefined;
  }
}
