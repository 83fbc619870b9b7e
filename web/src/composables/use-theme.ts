import { ref, watchEffect, type Ref } from 'vue';
import { keepPreference, keptPreference } from '../preference.ts';

export const THEMES = ['auto', 'light', 'dark'] as const;
export type Theme = (typeof THEMES)[number];

const theme = ref<Theme>(THEMES.find((name) => name === keptPreference('theme')) ?? 'auto');

watchEffect(() => {
  // `auto` leaves the decision to `prefers-color-scheme` in tokens.css.
  if (theme.value === 'auto') delete document.documentElement.dataset['theme'];
  else document.documentElement.dataset['theme'] = theme.value;
});

export function useTheme(): { theme: Ref<Theme>; nextTheme(): void } {
  return { theme, nextTheme };
}

function nextTheme(): void {
  theme.value = THEMES[(THEMES.indexOf(theme.value) + 1) % THEMES.length] ?? 'auto';
  keepPreference('theme', theme.value);
}
