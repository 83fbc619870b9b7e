import { reactive, ref, watch } from 'vue';
import * as z from 'zod/mini';
import { FACES, FORMATS, METADATA, QUALITIES, type Options, type Quality } from '../api-shapes.ts';
import { keepPreference, keptPreference } from '../preference.ts';
import { useServer } from './use-server.ts';

/** The options of the next work. What the person chose once is remembered; until then the machine decides. */

const NAME = 'options';
const keptShape = z.object({
  quality_level: z.optional(z.enum(QUALITIES)),
  scale: z.number(),
  face: z.enum(FACES),
  denoise: z.nullable(z.number()),
  output_format: z.enum(FORMATS),
  metadata: z.enum(METADATA),
  tile_size: z.number(),
});
type Kept = z.infer<typeof keptShape>;

const DEFAULTS: Kept = {
  scale: 4,
  face: 'auto',
  denoise: null,
  output_format: 'same',
  metadata: 'keep',
  tile_size: 400,
};

const kept = readKept();
const choice = reactive<Options>({ ...kept, quality_level: kept.quality_level ?? 'high' });
/** False while nobody has picked a level: then a machine without a GPU gets the fastest. */
const picked = ref(kept.quality_level !== undefined);

const { withoutGpu } = useServer();
watch(
  withoutGpu,
  (without) => {
    if (without === true && !picked.value) choice.quality_level = 'fast';
  },
  { immediate: true },
);
watch([choice, picked], () => {
  const { quality_level, ...others } = choice;
  keepPreference(NAME, JSON.stringify(picked.value ? { quality_level, ...others } : others));
});

export function useChoice() {
  const pick = (quality: Quality): void => {
    picked.value = true;
    choice.quality_level = quality;
  };
  return { choice, picked, pick };
}

function readKept(): Kept {
  try {
    return keptShape.parse(JSON.parse(keptPreference(NAME) ?? ''));
  } catch {
    return DEFAULTS;
  }
}
