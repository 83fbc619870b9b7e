import type { LoadedConfig } from '../load-config.ts';
import type { Terminal } from './terminal.ts';

/** What every command is given by `main.ts`: the one place that looks at the process it runs in. */
export interface Invocation {
  readonly loaded: LoadedConfig;
  /** For people; standard output is kept for results. */
  readonly terminal: Terminal;
  /** How this program was called, for sentences that say what to type: `npm start --` or `darkroom`. */
  readonly command: string;
  /** True when npm runs this as its `start` script. */
  readonly byNpm: boolean;
  /** Relative paths of the command line start here. */
  readonly directory: string;
  readonly packageDir: string;
  readonly scripts: { readonly worker: string; readonly api: string };
}
