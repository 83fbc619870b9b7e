import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Invocation } from './invocation.ts';
import { fetchDefaultModels } from './fetch-models.ts';
import { listenForStop } from './stop-signals.ts';
import { Supervisor, type OpenedHouse } from './supervisor/supervisor.ts';
import { downloadBar } from './terminal.ts';

/** `darkroom start`: everything that is needed on one machine, until Ctrl-C. @returns the exit code. */
export async function start(invocation: Invocation): Promise<number> {
  const { loaded, terminal, scripts } = invocation;
  const supervisor = new Supervisor({
    loaded,
    scripts,
    provideModels: (signal) => fetchDefaultModels(invocation, signal),
    say: (line) => terminal.line(line),
    onDownload: downloadBar(terminal),
    onPhase: (text) => terminal.passing(text),
  });
  const stop = listenForStop({
    onSecond() {
      supervisor.kill();
      process.exit(130);
    },
    followParent: invocation.byNpm,
  });
  try {
    const house = await supervisor.open(stop.signal);
    terminal.endBar();
    for (const line of welcome(house, invocation)) terminal.line(line);
    await stop.requested;
    terminal.line(
      'Stopping: photos under way may finish. Press Ctrl-C again to stop at once; nothing is lost either way.',
    );
    await supervisor.close();
    terminal.line('Stopped. The next start goes on with what was running.');
    return 0;
  } catch (error) {
    terminal.endBar();
    if (!stop.signal.aborted) throw error;
    terminal.line('Stopped.');
    return 0;
  } finally {
    stop.release();
  }
}

function welcome(house: OpenedHouse, { loaded, command, packageDir }: Invocation): string[] {
  const { DATA_DIR } = loaded.config;
  const url = house.apiUrl ?? '';
  const page = existsSync(join(packageDir, 'dist/web/index.html')) ? [`  Page             ${url}/`] : [];
  return [
    'Darkroom is ready.',
    '',
    ...page,
    `  API and docs     ${url}/docs`,
    ...(house.uiUrl === undefined ? [] : [`  Temporal Web UI  ${house.uiUrl}/namespaces/${house.namespace}/workflows`]),
    `  Data and logs    ${DATA_DIR}`,
    '',
    `  Try  ${command} enhance samples --out out`,
    `  or   curl -F file=@PHOTO.jpg '${url}/api/v1/enhance?quality_level=fast'`,
    '',
    ...house.notices.map((notice) => `Note: ${notice}`),
    ...(slowDevice(house.device)
      ? [`Note: ${SLOW_DEVICE}; the API's own default is "${loaded.config.QUALITY_LEVEL}".`]
      : []),
    'Ctrl-C stops everything, in order.',
  ];
}

export const SLOW_DEVICE =
  'there is no GPU here, so the page and the command line use the fastest level unless told otherwise';

/** Whether a network takes seconds rather than moments there. */
export const slowDevice = (device: string | undefined): boolean => device === 'cpu';
