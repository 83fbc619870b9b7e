import type { PhotoFormat } from '../../contracts/photo-format.ts';
import { UniqueStems } from '../unique-stems.ts';

/** What a result of each format is named: GIF and BMP become PNG. */
const RESULT_EXTENSION: Readonly<Record<PhotoFormat, string>> = {
  jpeg: '.jpg',
  png: '.png',
  webp: '.webp',
  avif: '.avif',
  tiff: '.tiff',
  gif: '.png',
  bmp: '.png',
};
const EQUIVALENT: Readonly<Record<string, string>> = { '.jpeg': '.jpg', '.tif': '.tiff' };

/**
 * Gives each photo of a batch a file of its own in the destination: `a.bmp` and `a.png` would both become `a.png`, and
 * capitals make no difference on many disks.
 */
export class Targets {
  readonly #stems = new UniqueStems();

  /**
   * The same while nobody knows the format yet: stems are unique, so that results of any format have files of their own.
   */
  takeUnknown(name: string): string {
    return this.take(`${name.replace(/\.[^./]{1,10}$/u, '')}.jpg`, 'jpeg');
  }

  /** `name` with its own extension, numbered when another photo's result has that file. */
  take(name: string, format: PhotoFormat): string {
    const dot = name.lastIndexOf('.');
    const [stem, extension] = dot > name.lastIndexOf('/') + 1 ? [name.slice(0, dot), name.slice(dot)] : [name, ''];
    const own = extension.toLowerCase();
    // An extension that fits the content keeps its spelling.
    const fits = (EQUIVALENT[own] ?? own) === RESULT_EXTENSION[format];
    const written = fits ? own : RESULT_EXTENSION[format];
    return `${this.#stems.take(stem, written, (number) => `-${number}`)}${extension}`;
  }
}
