import { computed, reactive, ref, watch, type Ref } from 'vue';

/**
 * How the two pictures of a comparison lie under one another: the boundary between them, and zoom and shift that both
 * share, so that they never come apart. Lengths are shares of the stage, so that a resize changes nothing.
 */
export function useLens(stage: Ref<HTMLElement | null>, mostZoom: Ref<number>) {
  /** Boundary, 0..100 per cent of the stage. */
  const split = ref(50);
  const view = reactive({ zoom: 1, x: 0, y: 0 });

  const clampView = (): void => {
    view.zoom = Math.min(Math.max(view.zoom, 1), Math.max(1, mostZoom.value));
    view.x = Math.min(0, Math.max(1 - view.zoom, view.x));
    view.y = Math.min(0, Math.max(1 - view.zoom, view.y));
  };
  /** Zooms so that the point under (px, py) stays where it is. */
  const zoomTo = (zoom: number, px = 0.5, py = 0.5): void => {
    const before = view.zoom;
    view.zoom = Math.min(Math.max(zoom, 1), Math.max(1, mostZoom.value));
    view.x = px - ((px - view.x) / before) * view.zoom;
    view.y = py - ((py - view.y) / before) * view.zoom;
    clampView();
  };
  watch(mostZoom, clampView);

  const placeOf = (event: MouseEvent): { x: number; y: number } => {
    const box = stage.value?.getBoundingClientRect() ?? new DOMRect(0, 0, 1, 1);
    return { x: (event.clientX - box.left) / box.width, y: (event.clientY - box.top) / box.height };
  };

  /** A press near the line, or anywhere while nothing is zoomed, drags the line; else it drags the picture. */
  const press = (event: PointerEvent): void => {
    if (event.button !== 0) return;
    const box = stage.value?.getBoundingClientRect();
    if (box === undefined) return;
    const start = placeOf(event);
    const from = { x: view.x, y: view.y };
    const dragsLine = view.zoom === 1 || Math.abs(start.x * 100 - split.value) * box.width < 3000;
    const move = (at: PointerEvent): void => {
      const now = placeOf(at);
      if (dragsLine) split.value = Math.min(100, Math.max(0, now.x * 100));
      else {
        view.x = from.x + now.x - start.x;
        view.y = from.y + now.y - start.y;
        clampView();
      }
    };
    const target = event.currentTarget as HTMLElement;
    target.setPointerCapture(event.pointerId);
    target.addEventListener('pointermove', move);
    target.addEventListener('lostpointercapture', () => target.removeEventListener('pointermove', move), {
      once: true,
    });
    if (view.zoom === 1) move(event);
  };

  const wheel = (event: WheelEvent): void => {
    if (!event.ctrlKey && view.zoom === 1) return; // a plain wheel scrolls the page until someone has zoomed in
    event.preventDefault();
    const { x, y } = placeOf(event);
    zoomTo(view.zoom * Math.exp(-event.deltaY / 400), x, y);
  };

  const picture = computed(() => ({
    transform: `translate(${view.x * 100}%, ${view.y * 100}%) scale(${view.zoom})`,
  }));
  return { split, view, picture, press, wheel, zoomTo };
}
