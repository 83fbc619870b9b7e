import { computed, reactive, ref, watch, type Ref } from 'vue';
import { placeOf, presser, type Point } from '../press-lens.ts';

/** How far an arrow key moves the picture, as a share of the stage; and how much a step of zoom is. */
const KEY_STEP = 0.08;
const ZOOM_STEP = 1.5;

/**
 * How the two pictures of a comparison lie under one another: the boundary between them, and zoom and shift that both
 * share, so that they never come apart. Lengths are shares of the stage, so that a resize changes nothing.
 */
export function useLens(mostZoom: Ref<number>, sliding: Ref<boolean>) {
  /** Boundary, 0..100 per cent of the stage. */
  const split = ref(50);
  const view = reactive({ zoom: 1, x: 0, y: 0 });

  const clampView = (): void => {
    view.zoom = Math.min(Math.max(view.zoom, 1), Math.max(1, mostZoom.value));
    view.x = Math.min(0, Math.max(1 - view.zoom, view.x));
    view.y = Math.min(0, Math.max(1 - view.zoom, view.y));
  };
  const shift = (dx: number, dy: number): void => {
    view.x += dx;
    view.y += dy;
    clampView();
  };
  /** Zooms so that the point `at` stays where it is. */
  const zoomTo = (zoom: number, at: Point = { x: 0.5, y: 0.5 }): void => {
    const before = view.zoom;
    view.zoom = Math.min(Math.max(zoom, 1), Math.max(1, mostZoom.value));
    view.x = at.x - ((at.x - view.x) / before) * view.zoom;
    view.y = at.y - ((at.y - view.y) / before) * view.zoom;
    clampView();
  };
  watch(mostZoom, clampView);

  const wheel = (event: WheelEvent): void => {
    if (!event.ctrlKey && view.zoom === 1) return; // a plain wheel scrolls the page until someone has zoomed in
    event.preventDefault();
    zoomTo(view.zoom * Math.exp(-event.deltaY / 400), placeOf(event));
  };
  const twice = (event: MouseEvent): void => zoomTo(view.zoom > 1 ? 1 : Math.min(mostZoom.value, 3), placeOf(event));

  /** Arrows move the picture when it is zoomed, else the boundary; `+`, `-` and `0` zoom. */
  const key = (event: KeyboardEvent): void => {
    const [dx, dy] = ARROWS[event.key] ?? [0, 0];
    if (event.key === '+' || event.key === '=') zoomTo(view.zoom * ZOOM_STEP);
    else if (event.key === '-') zoomTo(view.zoom / ZOOM_STEP);
    else if (event.key === '0') zoomTo(1);
    else if (dx === 0 && dy === 0) return;
    else if (view.zoom > 1) shift(dx * KEY_STEP, dy * KEY_STEP);
    else if (dx !== 0 && sliding.value) split.value = Math.min(100, Math.max(0, split.value - dx * 2));
    else return;
    event.preventDefault();
  };

  const picture = computed(() => ({
    transform: `translate(${view.x * 100}%, ${view.y * 100}%) scale(${view.zoom})`,
  }));
  const press = presser({ split, view, shift, zoomTo, sliding });
  return { split, view, picture, press, wheel, twice, key, zoomTo };
}

const ARROWS: Record<string, [number, number]> = {
  ArrowLeft: [1, 0],
  ArrowRight: [-1, 0],
  ArrowUp: [0, 1],
  ArrowDown: [0, -1],
};
