import { computed, onBeforeUnmount, onMounted, ref, type Ref } from 'vue';

/** Rows kept ready above and below what is seen, so that a fling meets pictures and not gaps. */
const SPARE_ROWS = 3;

export interface GridShape {
  /** Least width of a card, the gap, and what a card is high below its picture of 4:3; pixels. */
  readonly least: number;
  readonly gap: number;
  readonly below: number;
}

/** Which cards of a long grid are near the window: only those exist. The page itself scrolls. */
export function useVirtualGrid(box: Ref<HTMLElement | null>, total: Ref<number>, shape: GridShape) {
  const width = ref(0);
  const seen = ref({ from: 0, to: 1000 });

  const columns = computed(() => Math.max(1, Math.floor((width.value + shape.gap) / (shape.least + shape.gap))));
  const cardWidth = computed(() => (width.value - shape.gap * (columns.value - 1)) / columns.value);
  const rowHeight = computed(() => Math.round((cardWidth.value * 3) / 4) + shape.below + shape.gap);
  const rows = computed(() => Math.ceil(total.value / columns.value));
  const height = computed(() => Math.max(0, rows.value * rowHeight.value - shape.gap));

  const near = computed(() => {
    const first = Math.max(0, Math.floor(seen.value.from / rowHeight.value) - SPARE_ROWS);
    const last = Math.min(rows.value - 1, Math.floor(seen.value.to / rowHeight.value) + SPARE_ROWS);
    const from = first * columns.value;
    const to = Math.min(total.value, (last + 1) * columns.value) - 1;
    return { from, to };
  });

  const placeOf = (index: number) => ({
    width: `${cardWidth.value}px`,
    height: `${rowHeight.value - shape.gap}px`,
    transform: `translate(${(index % columns.value) * (cardWidth.value + shape.gap)}px, ${
      Math.floor(index / columns.value) * rowHeight.value
    }px)`,
  });

  let frame = 0;
  const measure = (): void => {
    if (frame !== 0) return;
    frame = requestAnimationFrame(() => {
      frame = 0;
      const top = box.value?.getBoundingClientRect().top ?? 0;
      seen.value = { from: -top, to: -top + window.innerHeight };
    });
  };
  const observer = new ResizeObserver(([entry]) => {
    width.value = entry?.contentRect.width ?? 0;
    measure();
  });
  onMounted(() => {
    if (box.value !== null) observer.observe(box.value);
    window.addEventListener('scroll', measure, { passive: true });
    window.addEventListener('resize', measure);
  });
  onBeforeUnmount(() => {
    observer.disconnect();
    cancelAnimationFrame(frame);
    window.removeEventListener('scroll', measure);
    window.removeEventListener('resize', measure);
  });
  return { range: near, height, placeOf, ready: computed(() => width.value > 0) };
}
