import { ref, type Ref } from 'vue';
import { sift, type Chosen, type Refusal } from '../photos.ts';
import { makeThumb } from '../thumbnails.ts';
import { useServer } from './use-server.ts';

/** The photos chosen and not yet sent, and the files that were left out. One tray for the whole page. */

const photos = ref<Chosen[]>([]);
const refused = ref<Refusal[]>([]);
/** Thumbnails are made one after another: decoding forty large photos at once freezes a phone. */
let making: Promise<void> = Promise.resolve();

export function useTray(): {
  photos: Ref<Chosen[]>;
  refused: Ref<Refusal[]>;
  add(files: readonly File[]): void;
  remove(keys: ReadonlySet<string>): void;
} {
  return { photos, refused, add, remove };
}

function add(files: readonly File[]): void {
  const sifted = sift(files, photos.value, useServer().maxBytes.value);
  refused.value = sifted.refused;
  photos.value.push(...sifted.photos);
  for (const { key } of sifted.photos) making = making.then(() => look(key));
}

async function look(key: string): Promise<void> {
  const chosen = photos.value.find((photo) => photo.key === key);
  if (chosen === undefined) return; // removed while it waited
  Object.assign(chosen, await makeThumb(chosen.file), { looked: true });
}

function remove(keys: ReadonlySet<string>): void {
  photos.value = photos.value.filter((photo) => !keys.has(photo.key));
}
