/** Small choices that this browser remembers; a forbidden storage only costs the memory of them. */

export function keptPreference(name: string): string | null {
  try {
    return localStorage.getItem(`darkroom.${name}`);
  } catch {
    return null;
  }
}

export function keepPreference(name: string, value: string): void {
  try {
    localStorage.setItem(`darkroom.${name}`, value);
  } catch {
    // The choice lasts until the reload.
  }
}
