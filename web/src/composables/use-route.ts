import { onBeforeUnmount, onMounted, ref } from 'vue';

/** The address says what is open: `#/job/{id}` or nothing. So a reload, a bookmark and the back button all work. */

const jobId = ref(readAddress());

function readAddress(): string | undefined {
  const found = /^#\/job\/([\w.-]+)$/.exec(location.hash);
  return found?.[1];
}

export const jobAddress = (id: string): string => `#/job/${id}`;

export function openJob(id: string | undefined): void {
  location.hash = id === undefined ? '' : jobAddress(id);
}

export const useRoute = () => ({ jobId });

function follow(): void {
  jobId.value = readAddress();
}

/** Follows the address. Once, in the page's root. */
export function useRouteWatch(): void {
  onMounted(() => window.addEventListener('hashchange', follow));
  onBeforeUnmount(() => window.removeEventListener('hashchange', follow));
}
