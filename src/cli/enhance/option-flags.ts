import { InvalidArgumentError, Option, type Command } from 'commander';
import { askedOptionsSchema, optionFields, type AskedOptions } from '../../contracts/option-fields.ts';

/** The options of a batch on the command line: the contract's own fields, under names that suit a terminal. */

type Field = keyof typeof optionFields;

const FLAGS: Record<Field, readonly [flags: string, description: string]> = {
  quality_level: ['--quality <level>', 'how good, how slow: fast, medium or high'],
  scale: ['--scale <times>', 'how many times wider and taller: 1, 2, 3, 4 or 8; 4 unless said'],
  width: ['--width <pixels>', 'width of the result, instead of a scale'],
  height: ['--height <pixels>', 'height of the result, instead of a scale; with --width: fitted into both'],
  output_format: ['--format <name>', 'format of the results: same, jpeg, png, webp, avif or tiff'],
  output_quality: ['--output-quality <1..100>', 'quality of JPEG, WebP and AVIF results'],
  metadata: ['--metadata <policy>', 'keep, privacy (no places, no serial numbers) or strip'],
  denoise: ['--denoise <0..1>', 'how much noise is removed'],
  strength: ['--strength <0..1>', 'blend with the merely enlarged original; 1 unless said'],
  sharpen: ['--sharpen <0..1>', 'sharpen afterwards; 0 unless said'],
  face: ['--face <mode>', 'restore faces: off, auto (where a restorer is installed) or on'],
  fidelity: ['--fidelity <0..1>', 'how close a restored face stays to the original'],
  tile_size: ['--tile-size <pixels>', 'largest side of a tile, 256 to 512'],
};

const isField = (name: string): name is Field => name in FLAGS;
const FIELDS = Object.keys(FLAGS).filter(isField);

/** Adds a flag for every option; each value is checked by the contract's own schema. */
export function addOptionFlags(command: Command): void {
  for (const field of FIELDS) {
    const [flags, description] = FLAGS[field];
    command.addOption(new Option(flags, description).argParser((text) => check(field, text)));
  }
}

function check(field: Field, text: string): unknown {
  const { data, error } = optionFields[field].safeParse(text);
  if (error !== undefined) throw new InvalidArgumentError(error.issues.map(({ message }) => message).join('; '));
  return data;
}

/** What was asked for, out of commander's own names. */
export function askedOptions(command: Command): AskedOptions {
  const given: Record<string, unknown> = command.opts();
  const entries = FIELDS.flatMap((field) => {
    const value = given[new Option(FLAGS[field][0]).attributeName()];
    return value === undefined ? [] : [[field, value]];
  });
  return askedOptionsSchema.parse(Object.fromEntries(entries));
}
