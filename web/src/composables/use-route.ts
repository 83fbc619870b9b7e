import { onBeforeUnmount, onMounted, ref } from 'vue';

/** The address says what is open, so a reload, a bookmark, another device and the back button all work. */

export type Route =
  { readonly view: 'compose' | 'history' | 'server' } | { readonly view: 'job' | 'undo'; readonly id: string };

const route = ref<Route>(readAddress());

function readAddress(): Route {
  const [view, id] = location.hash.replace(/^#\/?/, '').split('/');
  if ((view === 'job' || view === 'undo') && /^[\w.-]+$/.test(id ?? '')) return { view, id: id ?? '' };
  return { view: view === 'history' || view === 'server' ? view : 'compose' };
}

export const addressOf = (to: Route): string =>
  `#/${to.view === 'compose' ? '' : to.view}${'id' in to ? `/${to.id}` : ''}`;

export function go(to: Route): void {
  location.hash = addressOf(to);
}

export const useRoute = () => ({ route });

function follow(): void {
  route.value = readAddress();
  window.scrollTo(0, 0);
}

/** Follows the address. Once, in the page's root. */
export function useRouteWatch(): void {
  onMounted(() => window.addEventListener('hashchange', follow));
  onBeforeUnmount(() => window.removeEventListener('hashchange', follow));
}
