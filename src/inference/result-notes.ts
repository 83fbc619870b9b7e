import type { EnhanceOptions } from '../contracts/options.ts';
import type { ResultFormat } from '../contracts/result-format.ts';
import type { PhotoHeader } from './decode.ts';
import { metadataFor } from './metadata-policy.ts';
import { resultColour } from './photo-colour.ts';

/** What a result will not be like its photo in, in sentences for the person who sent it. Known before the work. */
export function resultNotes(
  header: PhotoHeader,
  format: ResultFormat,
  options: Pick<EnhanceOptions, 'format' | 'outputQuality' | 'metadata'>,
  size: { readonly width: number; readonly height: number },
): string[] {
  const { notes } = metadataFor(header.metadata, options.metadata, format, size);
  return [...pictureNotes(header, format, options), ...colourNotes(header, format), ...notes];
}

function* pictureNotes(
  { format: own, pictures }: PhotoHeader,
  format: ResultFormat,
  options: Pick<EnhanceOptions, 'format' | 'outputQuality'>,
): Generator<string> {
  if (pictures > 1) yield 'Only the first picture of the file was enhanced.';
  if (options.format === 'same' && own === 'gif') yield 'The result is a PNG, because a GIF holds too few colours.';
  if (options.format === 'same' && own === 'bmp') yield 'The result is a PNG, because BMP files cannot be written.';
  const lossless = format.name === 'png' || format.name === 'tiff';
  if (lossless && options.outputQuality !== null)
    yield `output_quality has no effect on a ${format.title} file, which loses nothing.`;
}

function* colourNotes({ bits, hasAlpha, colour }: PhotoHeader, format: ResultFormat): Generator<string> {
  const kept = Math.min(colour.model === 'cmyk' ? 8 : bits, format.bits);
  if (bits > kept) {
    const why = kept === format.bits ? `a ${format.title} file holds no more` : 'inks are converted with no more';
    yield `The photo's ${bits} bits a channel became ${kept}, because ${why}.`;
  }
  if (hasAlpha && !format.alpha)
    yield `Transparent parts became white, because a ${format.title} file has no transparency.`;
  if (colour.profileBroken)
    yield 'The colour profile of the photo is damaged or does not fit it; its colours were read as usual.';
  if (colour.converted) yield 'The colours were converted to sRGB.';
  if (colour.model !== 'cmyk') return;
  const result = resultColour(colour, format, hasAlpha);
  const profile = colour.profile === undefined ? ' The photo names no profile for them: a common one was assumed.' : '';
  if (result.model === 'cmyk')
    yield `The inks (CMYK) were converted to light and back; their mixture is new.${profile}`;
  else
    yield `The inks (CMYK) were converted to RGB with a wide profile, because they cannot be kept in this file.${profile}`;
}
