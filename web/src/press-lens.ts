import type { Ref } from 'vue';

/** What fingers and the mouse do to a comparison. */

/** A place on the stage, as shares of it. */
export interface Point {
  readonly x: number;
  readonly y: number;
}

interface Hands {
  readonly split: Ref<number>;
  readonly view: { zoom: number };
  readonly sliding: Ref<boolean>;
  readonly shift: (dx: number, dy: number) => void;
  readonly zoomTo: (zoom: number, at: Point) => void;
}

/** How near to the line, in pixels, a press takes hold of it while the picture is zoomed. */
const NEAR_PX = 30;
/** Two fingers on one point say nothing about a zoom. */
const LEAST_APART = 0.02;

/** One finger drags the line, or the picture when it is zoomed; two fingers zoom where they are, and move it. */
export function presser({ split, view, sliding, shift, zoomTo }: Hands): (event: PointerEvent) => void {
  const fingers = new Map<number, Point>();
  let dragsLine = false;
  /** Where the line was: a swipe that turns out to scroll the page, or a second finger, means that it was not to be moved. */
  let splitBefore = 50;

  const move = (event: PointerEvent): void => {
    const before = fingers.get(event.pointerId);
    if (before === undefined) return;
    const now = placeOf(event);
    const [other] = [...fingers].filter(([id]) => id !== event.pointerId).map(([, point]) => point);
    fingers.set(event.pointerId, now);
    if (other !== undefined) {
      const middle = { x: (now.x + other.x) / 2, y: (now.y + other.y) / 2 };
      zoomTo((view.zoom * distance(now, other)) / Math.max(LEAST_APART, distance(before, other)), middle);
      shift((now.x - before.x) / 2, (now.y - before.y) / 2);
    } else if (dragsLine) split.value = Math.min(100, Math.max(0, now.x * 100));
    else shift(now.x - before.x, now.y - before.y);
  };

  const letGo = (event: PointerEvent): void => {
    if (event.type === 'pointercancel' && dragsLine) split.value = splitBefore;
    fingers.delete(event.pointerId);
    if (fingers.size > 0) return;
    const stage = event.currentTarget as HTMLElement;
    stage.removeEventListener('pointermove', move);
    for (const name of ENDS) stage.removeEventListener(name, letGo);
  };

  return (event) => {
    if (event.button !== 0) return;
    const stage = event.currentTarget as HTMLElement;
    const at = placeOf(event);
    fingers.set(event.pointerId, at);
    stage.setPointerCapture(event.pointerId);
    if (fingers.size > 1) {
      if (dragsLine) split.value = splitBefore;
      dragsLine = false;
      return;
    }
    splitBefore = split.value;
    const near = Math.abs(at.x * 100 - split.value) * stage.clientWidth < NEAR_PX * 100;
    dragsLine = sliding.value && (view.zoom === 1 || near);
    stage.addEventListener('pointermove', move);
    for (const name of ENDS) stage.addEventListener(name, letGo);
    if (dragsLine && view.zoom === 1) move(event);
  };
}

const ENDS = ['pointercancel', 'lostpointercapture'] as const;

const distance = (a: Point, b: Point): number => Math.hypot(a.x - b.x, a.y - b.y);

/** Where on the stage it happened. */
export function placeOf(event: MouseEvent): Point {
  const box = (event.currentTarget as HTMLElement).getBoundingClientRect();
  return { x: (event.clientX - box.left) / box.width, y: (event.clientY - box.top) / box.height };
}
