/** Mean over a square around each sample, twice, which is close to a Gaussian; costs the same for any radius. */
export function blur(values: Float32Array, side: number, channels: number, radius: number): Float32Array<ArrayBuffer> {
  let from: Float32Array<ArrayBuffer> = Float32Array.from(values);
  let to = new Float32Array(values.length);
  for (let pass = 0; pass < 2; pass += 1) {
    for (const step of [channels, side * channels]) {
      meanAlong(from, to, { side, channels, radius, step, line: step === channels ? side * channels : channels });
      [from, to] = [to, from];
    }
  }
  return from;
}

interface Lines {
  readonly side: number;
  readonly channels: number;
  readonly radius: number;
  /** From one sample of a line to the next, and from a line to the next. */
  readonly step: number;
  readonly line: number;
}

/** Beyond its ends a line goes on as its last sample. */
function meanAlong(from: Float32Array, to: Float32Array, { side, channels, radius, step, line }: Lines): void {
  const share = 1 / (2 * radius + 1);
  for (let index = 0; index < side; index += 1) {
    for (let channel = 0; channel < channels; channel += 1) {
      const start = index * line + channel;
      const end = start + (side - 1) * step;
      const [first = 0, last = 0] = [from[start], from[end]];
      let sum = first * (radius + 1);
      for (let ahead = 1; ahead <= radius; ahead += 1) sum += from[Math.min(end, start + ahead * step)] ?? 0;
      const far = radius * step;
      for (let at = start; at <= end; at += step) {
        to[at] = sum * share;
        sum +=
          (at + far + step <= end ? (from[at + far + step] ?? 0) : last) -
          (at - far >= start ? (from[at - far] ?? 0) : first);
      }
    }
  }
}
