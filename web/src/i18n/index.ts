import { computed, ref, type ComputedRef, type Ref } from 'vue';
import type { Language } from '../format.ts';
import { keepPreference, keptPreference } from '../preference.ts';
import { en, type Messages } from './en/index.ts';
import { zh } from './zh/index.ts';

const CATALOGUES: Record<Language, Messages> = { en, zh };

const language = ref<Language>(firstLanguage());
const messages = computed(() => CATALOGUES[language.value]);

/** The words of the page in the person's language, and the way to change it. */
export function useI18n(): { t: ComputedRef<Messages>; language: Ref<Language>; switchLanguage(): void } {
  return { t: messages, language, switchLanguage };
}

function switchLanguage(): void {
  language.value = language.value === 'en' ? 'zh' : 'en';
  keepPreference('language', language.value);
}

function firstLanguage(): Language {
  const kept = keptPreference('language');
  if (kept === 'en' || kept === 'zh') return kept;
  return navigator.language.startsWith('zh') ? 'zh' : 'en';
}
