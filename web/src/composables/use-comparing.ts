import { ref, watch } from 'vue';
import { keepPreference, keptPreference } from '../preference.ts';

/** How this person likes to compare; the same for every photo. */

export const WAYS = ['slide', 'sides'] as const;
export type Way = (typeof WAYS)[number];

const way = ref<Way>(keptPreference('compare') === 'sides' ? 'sides' : 'slide');
watch(way, (now) => keepPreference('compare', now));

/** Whether results are loaded in full: only once somebody has asked, and not beyond this visit. */
export const fullSize = ref(false);

export const useComparing = () => ({ way });
