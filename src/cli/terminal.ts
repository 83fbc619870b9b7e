/** Where sentences and bars for people go: one stream, which may be a terminal, a file or a pipe. */
import type { UnreadableRecord } from '../storage/json-records.ts';

interface Output {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

/** Lines stay; the bar is one line that is drawn over. Where there is no terminal a bar becomes a line now and then. */
export class Terminal {
  readonly #output: Output;
  #bar = '';
  #told = -1;

  constructor(output: Output) {
    this.#output = output;
  }

  line(text: string): void {
    this.#erase();
    this.#output.write(`${text}\n`);
    this.#draw();
  }

  /** `share` (0..1) decides when a line is due where nothing can be drawn over: at every tenth. */
  bar(text: string, share: number): void {
    if (this.#output.isTTY) {
      this.#erase();
      this.#bar = text.slice(0, (this.#output.columns ?? 80) - 1);
      this.#draw();
      return;
    }
    const tenth = Math.floor(share * 10);
    if (tenth === this.#told) return;
    this.#told = tenth;
    this.#output.write(`${text}\n`);
  }

  /** Shown only where it can be taken away again. */
  passing(text: string): void {
    if (this.#output.isTTY) this.bar(text, 0);
  }

  /** Takes the bar away; what comes next may be another. */
  endBar(): void {
    this.#erase();
    this.#bar = '';
    this.#told = -1;
  }

  #erase(): void {
    if (this.#bar !== '') this.#output.write('\r\u001B[K');
  }

  #draw(): void {
    if (this.#bar !== '') this.#output.write(this.#bar);
  }
}

const BAR_CELLS = 24;

/** `[████░░░░] 42 %` */
export function drawBar(share: number): string {
  const full = Math.round(Math.min(1, Math.max(0, share)) * BAR_CELLS);
  return `[${'█'.repeat(full)}${'░'.repeat(BAR_CELLS - full)}] ${String(Math.floor(share * 100)).padStart(3)} %`;
}

/** `43.6 MB` */
export const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`;

/** `3 h 20 min`, `4 min 05 s`, `12 s`. */
export function duration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  if (hours > 0) return `${hours} h ${minutes} min`;
  return minutes > 0 ? `${minutes} min ${String(rest).padStart(2, '0')} s` : `${rest} s`;
}

/** `1 photo`, `12 photos` */
export const countPhotos = (photos: number): string => `${photos} ${photos === 1 ? 'photo' : 'photos'}`;

/** Shows downloads as a bar each; the wording is the same for servers and models. */
export const downloadBar =
  (terminal: Terminal) =>
  (what: string, { done, total }: { readonly done: number; readonly total: number }): void => {
    const share = total === 0 ? 1 : done / total;
    terminal.bar(`Fetching ${what} ${drawBar(share)} ${megabytes(done)} of ${megabytes(total)}`, share);
    if (done >= total) {
      terminal.endBar();
      terminal.line(`Fetched ${what} (${megabytes(total)}).`);
    }
  };

/** What a listing leaves out is said: someone will look for it. */
export function tellUnreadable(terminal: Terminal, { key }: UnreadableRecord): void {
  terminal.line(`Left out: ${key} in the store cannot be read.`);
}
