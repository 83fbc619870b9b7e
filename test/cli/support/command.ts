import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { loadConfig } from '../../../src/load-config.ts';
import { readInstalledModels } from '../../../src/models/installed-models.ts';

const command = fileURLToPath(new URL('../../../dist/cli/main.js', import.meta.url));
const models = await readInstalledModels(loadConfig(process.env).config.CACHE_DIR).catch(() => []);

/** The command can be run at all. */
export const built = existsSync(command);
/** It can also enhance a photo. */
export const possible = built && models.some(({ entry }) => entry.role === 'photo');

export interface Ran {
  readonly code: number | null;
  readonly output: string;
  readonly told: string;
}

/** Runs the command in `folder`, whose `data` is its data directory; `whenTold` ends it with SIGKILL as soon as it said that. */
export async function runDarkroom(folder: string, args: readonly string[], whenTold?: string): Promise<Ran> {
  const child = launch(folder, args);
  let [output, told] = ['', ''];
  child.stdout?.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stderr?.on('data', (chunk: Buffer) => {
    told += chunk.toString();
    if (whenTold !== undefined && told.includes(whenTold)) child.kill('SIGKILL');
  });
  return await new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, output, told }));
  });
}

export interface RunningCommand {
  /** Resolves when it has said this; rejects when it ends before. */
  until(text: string): Promise<void>;
  /** Sends the signal and resolves with the exit code. */
  end(signal: 'SIGTERM' | 'SIGKILL'): Promise<number | null>;
}

/** Starts the command and lets it run. */
export function launchDarkroom(folder: string, args: readonly string[]): RunningCommand {
  const child = launch(folder, args);
  let told = '';
  const closed = new Promise<number | null>((resolve) => child.once('close', resolve));
  child.stderr?.on('data', (chunk: Buffer) => (told += chunk.toString()));
  return {
    until: async (text) =>
      await new Promise((resolve, reject) => {
        const look = (): void => {
          if (told.includes(text)) resolve();
        };
        look();
        child.stderr?.on('data', look);
        void closed.then(() => reject(new Error(`Expected it to say "${text}", but it ended. It said: ${told}`)));
      }),
    async end(signal) {
      child.kill(signal);
      return await closed;
    },
  };
}

function launch(folder: string, args: readonly string[]): ChildProcess {
  const settings = {
    SHUTDOWN_GRACE_MS: '1000',
    HEARTBEAT_TIMEOUT_MS: '3000',
    DATA_DIR: join(folder, 'data'),
    TEMPORAL_ADDRESS: '',
    TEMPORAL_PORT: '0',
    TEMPORAL_UI_PORT: '0',
    PORT: '0',
  };
  return spawn(process.execPath, [command, ...args], { cwd: folder, env: { ...process.env, ...settings } });
}
