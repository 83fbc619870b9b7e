import { reactive, ref, watch } from 'vue';
import * as z from 'zod/mini';
import { QUALITIES, type EnhanceChoice } from '../api-shapes.ts';
import { keepPreference, keptPreference } from '../preference.ts';
import { useServer } from './use-server.ts';

/** The options of the next work. What the person chose once is remembered; until then the machine decides. */

const NAME = 'choice';
const keptShape = z.object({
  quality: z.optional(z.enum(QUALITIES)),
  scale: z.union([z.literal(2), z.literal(4)]),
  tileSize: z.number(),
});
type Kept = z.infer<typeof keptShape>;

const kept = readKept();
const choice = reactive<EnhanceChoice>({
  quality: kept.quality ?? 'high',
  scale: kept.scale,
  tileSize: kept.tileSize,
});
/** False while nobody has picked a level: then a machine without a GPU gets the fastest. */
const picked = ref(kept.quality !== undefined);

const { withoutGpu } = useServer();
watch(
  withoutGpu,
  (without) => {
    if (without === true && !picked.value) choice.quality = 'fast';
  },
  { immediate: true },
);
watch([choice, picked], () => {
  const { quality, scale, tileSize } = choice;
  const keep: Kept = picked.value ? { quality, scale, tileSize } : { scale, tileSize };
  keepPreference(NAME, JSON.stringify(keep));
});

export function useChoice() {
  const pick = (quality: EnhanceChoice['quality']): void => {
    picked.value = true;
    choice.quality = quality;
  };
  return { choice, picked, pick };
}

function readKept(): Kept {
  try {
    return keptShape.parse(JSON.parse(keptPreference(NAME) ?? ''));
  } catch {
    return { scale: 4, tileSize: 400 };
  }
}
