import type { Metadata } from 'sharp';
import { buildProfile, greyAsRgb, readProfile, WIDE_PRIMARIES } from './icc-profile.ts';

/**
 * How a photo's numbers become colours. The network is given the file's own numbers wherever they follow an ordinary tone
 * curve, whatever the primaries are: nothing is converted, so nothing is lost, and the profile goes into the result
 * unchanged. Only inks (CMYK) and samples that count light (linear profiles) pass through a working space and back.
 */
export interface PhotoColour {
  /** What the file's channels are, beside alpha. */
  readonly model: 'grey' | 'rgb' | 'cmyk';
  /** The file's own profile; absent: it had none that could be used. */
  readonly profile?: Buffer;
  /** Profile of the decoded pixels, where they are not the file's own numbers. */
  readonly working?: Buffer;
  /** The file's own profile could not be used. */
  readonly profileBroken: boolean;
  /** The pixels were of a kind that is only read as sRGB, such as Lab. */
  readonly converted: boolean;
}

const MODEL_OF_SPACE: Readonly<Record<string, PhotoColour['model']>> = {
  srgb: 'rgb',
  rgb: 'rgb',
  rgb16: 'rgb',
  scrgb: 'rgb',
  'b-w': 'grey',
  grey16: 'grey',
  cmyk: 'cmyk',
};

/** Below, samples count light, or nearly so: the network would see a picture that is far too dark. */
const FLATTEST_CURVE = 1.4;

export function colourOf(found: Metadata): PhotoColour {
  const model = MODEL_OF_SPACE[found.space];
  if (model === undefined) return { model: 'rgb', profileBroken: false, converted: true };
  const known = found.icc === undefined ? undefined : readProfile(found.icc);
  // A grey picture with an RGB profile is one that a converter made carelessly: libvips reads the grey as it is.
  const usable = known?.model === model;
  const base = { model, profileBroken: found.icc !== undefined && !usable, converted: false };
  const profile = usable && found.icc !== undefined ? { profile: found.icc } : {};
  if (model === 'cmyk') return { ...base, ...profile, working: buildProfile(WIDE_PRIMARIES, 'Darkroom wide RGB') };
  if (usable && known?.primaries !== undefined && (known.gamma ?? 2.2) < FLATTEST_CURVE) {
    return { ...base, ...profile, working: buildProfile(known.primaries, 'Darkroom working RGB') };
  }
  return { ...base, ...profile };
}

/** What the result's channels will be, and the profile that goes with them. */
export interface ResultColour {
  readonly model: 'grey' | 'rgb' | 'cmyk';
  /** Embedded in the file. */
  readonly embedded?: Buffer;
  /** The canvas is converted to the photo's own profile, or to libvips' own for inks without one. */
  readonly back: boolean;
}

/** @param hasAlpha - whether the canvas has it: pictures in inks have none. */
export function resultColour(
  { model, profile, working }: PhotoColour,
  holds: { readonly grey: boolean; readonly cmyk: boolean },
  hasAlpha: boolean,
): ResultColour {
  if (model === 'cmyk' && (!holds.cmyk || hasAlpha)) {
    return { model: 'rgb', back: false, ...(working === undefined ? {} : { embedded: working }) };
  }
  if (model === 'grey' && !holds.grey) {
    const curve = profile && readProfile(profile)?.curve;
    return { model: 'rgb', back: false, ...(curve === undefined ? {} : { embedded: greyAsRgb(curve) }) };
  }
  return { model, back: working !== undefined, ...(profile === undefined ? {} : { embedded: profile }) };
}
