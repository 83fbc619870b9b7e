import type { EnhanceOptions } from '../contracts/options.ts';
import type { ResultFormat } from '../contracts/result-format.ts';
import type { CarriedMetadata } from './decode.ts';
import { changeExif } from './metadata-exif.ts';
import { privateIptc } from './metadata-iptc.ts';
import { changeXmp } from './metadata-xmp.ts';

/** A segment of a JPEG holds no more, and XMP and EXIF are one segment each. */
const JPEG_SEGMENT_BYTES = 65_533 - 30;

export interface ResultMetadata {
  readonly carried: CarriedMetadata;
  readonly notes: readonly string[];
}

/** What of a photo's metadata goes into its result, corrected for it. */
export function metadataFor(
  found: CarriedMetadata,
  policy: EnhanceOptions['metadata'],
  format: ResultFormat,
  size: { readonly width: number; readonly height: number },
): ResultMetadata {
  if (policy === 'strip') return { carried: {}, notes: [] };
  const privacy = policy === 'privacy';
  const notes: string[] = [];
  const fitting = (block: Buffer | undefined, kind: string, why: string): Buffer | undefined => {
    if (block === undefined) notes.push(`${kind} data was not kept: ${why}.`);
    else if (format.name === 'jpeg' && block.length > JPEG_SEGMENT_BYTES) {
      notes.push(`${kind} data was not kept: it is larger than a JPEG file can hold.`);
      return undefined;
    }
    return block;
  };
  const exif = found.exif && fitting(changeExif(found.exif, { ...size, privacy }), 'EXIF', 'it is damaged');
  const xmp =
    found.xmp && fitting(changeXmp(found.xmp, { privacy }), 'XMP', 'it cannot be searched for private details');
  const kept = found.iptc && (privacy ? privateIptc(found.iptc) : found.iptc);
  const iptc = kept && fitting(format.iptc ? kept : undefined, 'IPTC', `a ${format.title} file holds none`);
  return {
    carried: {
      ...(exif === undefined ? {} : { exif }),
      ...(xmp === undefined ? {} : { xmp }),
      ...(iptc === undefined || iptc.length === 0 ? {} : { iptc }),
    },
    notes,
  };
}
