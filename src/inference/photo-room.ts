import type { ResultFormat } from '../contracts/result-format.ts';
import type { Size } from '../contracts/result-size.ts';
import { JPEG_OPTIMISED_PIXELS } from './encode.ts';

/** What the photos in an engine may take of its memory together. */

/** Bands of the canvas, tiles on their way, buffers of a codec that works by rows. */
const BESIDE_PIXELS_BYTES = 48e6;
/** Of a decoded pixel: four channels, and a second copy while alpha is separated or colours are converted. */
const DECODED_BYTES_PER_PIXEL = 8;
/** What an encoder holds of a result's pixel in 8 bits: measured 12.5 (JPEG with its own tables), 5.7, 34, and rows only. */
const ENCODER_BYTES_PER_PIXEL = { jpeg: 13, webp: 6, avif: 36, png: 0, tiff: 0 } satisfies Record<
  ResultFormat['name'],
  number
>;

/** Memory that a photo takes in an engine at most, beside the network and finished tiles; in bytes. */
export function photoBytes(
  photo: Size & { readonly depth: number },
  result: Size,
  format: ResultFormat['name'],
): number {
  const encoded = result.width * result.height;
  const byRows = format === 'jpeg' && encoded > JPEG_OPTIMISED_PIXELS;
  const bytes =
    photo.width * photo.height * DECODED_BYTES_PER_PIXEL + (byRows ? 0 : encoded) * ENCODER_BYTES_PER_PIXEL[format];
  return BESIDE_PIXELS_BYTES + (bytes * photo.depth) / 8;
}

interface Waiting {
  readonly bytes: number;
  readonly enter: () => void;
}

/** Room for photos, by their size, in the order they came. One that is larger than all of it goes in alone. */
export class PhotoRoom {
  readonly #budgetBytes: number;
  readonly #waiting: Waiting[] = [];
  #photos = 0;
  #takenBytes = 0;

  constructor(budgetBytes: number) {
    this.#budgetBytes = budgetBytes;
  }

  /**
   * @param onWait - called if it has to wait.
   * @returns what leaves the room again, once.
   * @throws the signal's reason, when it is aborted before there was room.
   */
  async enter(bytes: number, signal: AbortSignal, onWait: () => void): Promise<() => void> {
    signal.throwIfAborted();
    await new Promise<void>((resolve, reject) => {
      const giveUp = (): void => {
        this.#waiting.splice(this.#waiting.indexOf(waiting), 1);
        this.#letIn(); // a large one may have been holding up those behind it
        reject(signal.reason);
      };
      const enter = (): void => {
        signal.removeEventListener('abort', giveUp);
        resolve();
      };
      const waiting = { bytes, enter };
      signal.addEventListener('abort', giveUp, { once: true });
      this.#waiting.push(waiting);
      this.#letIn();
      if (this.#waiting.includes(waiting)) onWait();
    });
    return () => {
      this.#photos -= 1;
      this.#takenBytes -= bytes;
      this.#letIn();
    };
  }

  #letIn(): void {
    for (let next = this.#waiting[0]; next !== undefined; next = this.#waiting[0]) {
      if (this.#photos > 0 && this.#takenBytes + next.bytes > this.#budgetBytes) return;
      this.#waiting.shift();
      this.#photos += 1;
      this.#takenBytes += next.bytes;
      next.enter();
    }
  }
}
