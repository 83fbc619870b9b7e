/** Colour spaces wider than sRGB, for profiles of tests. */

/** A curve of one exponent. */
export const gamma = (exponent: number): Buffer => {
  const curve = Buffer.from('curv\0\0\0\0\0\0\0\x01\0\0', 'latin1');
  curve.writeUInt16BE(Math.round(exponent * 256), 12);
  return curve;
};
export const LINEAR = Buffer.from('curv\0\0\0\0\0\0\0\0', 'latin1');
type Primaries = readonly (readonly [number, number, number])[];
/** Columns of red, green and blue in D50. */
export const ADOBE: Primaries = [
  [0.60974, 0.31111, 0.01947],
  [0.20528, 0.62567, 0.06087],
  [0.14919, 0.06322, 0.74457],
];
export const PROPHOTO: Primaries = [
  [0.79767, 0.28804, 0],
  [0.13519, 0.71187, 0],
  [0.03134, 0.00009, 0.82491],
];
export const P3: Primaries = [
  [0.51512, 0.2412, -0.00105],
  [0.29198, 0.69225, 0.04189],
  [0.1571, 0.06657, 0.78407],
];
