/** Curves as an SVG file, legible on a light and a dark page: points, lines between them, and a bar from the least to the most. */

const [WIDTH, HEIGHT] = [720, 360];
const FRAME = { left: 70, right: 20, top: 40, bottom: 52 };
const COLOURS = ['#2f6fd6', '#d6602f', '#2a9d5c', '#9b4dca', '#b58900', '#d02f6f'];

const escape = (text) => String(text).replace(/[&<>]/g, (sign) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;' })[sign]);
const short = (value) => value.toLocaleString('en', { maximumSignificantDigits: 3 });

/** Whole powers of ten, with 2 and 5 between where there would be few. */
function logTicks(from, to) {
  const ticks = [];
  const steps = to / from > 1000 ? [1] : [1, 2, 5];
  for (let power = Math.floor(Math.log10(from)); power <= Math.ceil(Math.log10(to)); power += 1)
    ticks.push(...steps.map((step) => step * 10 ** power));
  return ticks.filter((tick) => tick >= from * 0.999 && tick <= to * 1.001);
}

function evenTicks(to) {
  const rough = to / 5;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].find((factor) => factor * power >= rough) * power;
  return Array.from({ length: Math.floor(to / step) + 1 }, (_, count) => count * step);
}

/** Where values lie between `start` and `end` pixels; an axis that is not logarithmic begins at zero. */
function axis(values, { log }, start, end) {
  const largest = Math.max(...values) || 1;
  if (!log) {
    const to = largest * 1.08;
    return { place: (value) => start + (value / to) * (end - start), ticks: evenTicks(to) };
  }
  const [from, to] = [Math.min(...values) / 1.25, largest * 1.25];
  const share = (value) => Math.log(value / from) / Math.log(to / from);
  return { place: (value) => start + share(value) * (end - start), ticks: logTicks(from, to) };
}

/**
 * @param curves `{ name, points: [{ at, min, median, max }], dashed? }`: a dashed curve is what is expected, without points.
 * @param x, y `{ label, log? }`
 */
export function plot({ title, x, y, curves }) {
  const points = curves.flatMap((curve) => curve.points);
  const across = axis(
    points.map(({ at }) => at),
    x,
    FRAME.left,
    WIDTH - FRAME.right,
  );
  const up = axis(
    points.flatMap(({ min, median, max }) => [min ?? median, max ?? median]),
    y,
    HEIGHT - FRAME.bottom,
    FRAME.top,
  );
  const bottom = HEIGHT - FRAME.bottom;
  const vertical = across.ticks.map((tick) => {
    const at = across.place(tick).toFixed(1);
    return `<path class="grid" d="M${at} ${FRAME.top}V${bottom}"/><text x="${at}" y="${bottom + 16}" text-anchor="middle">${short(tick)}</text>`;
  });
  const horizontal = up.ticks.map((tick) => {
    const at = up.place(tick).toFixed(1);
    return `<path class="grid" d="M${FRAME.left} ${at}H${WIDTH - FRAME.right}"/><text x="${FRAME.left - 8}" y="${at}" dy=".35em" text-anchor="end">${short(tick)}</text>`;
  });
  const drawn = curves.map((curve, index) => draw(curve, COLOURS[index % COLOURS.length], across, up));
  const names = curves.map(({ name, dashed }, index) => {
    const [at, colour] = [FRAME.left + 12, COLOURS[index % COLOURS.length]];
    const line = FRAME.top + 14 + index * 17;
    return `<path d="M${at} ${line}h18" stroke="${colour}" stroke-width="2"${dashed ? ' stroke-dasharray="5 4"' : ''}/><text x="${at + 25}" y="${line}" dy=".35em">${escape(name)}</text>`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${escape(title)}">
<style>text{font:12px system-ui,sans-serif;fill:#333}.grid{stroke:#8884}.title{font-size:15px;font-weight:600}rect{fill:#fff}@media(prefers-color-scheme:dark){text{fill:#ddd}rect{fill:#15181c}}</style>
<rect width="${WIDTH}" height="${HEIGHT}"/>
<text class="title" x="${FRAME.left}" y="24">${escape(title)}</text>
${[...vertical, ...horizontal, ...drawn, ...names].join('\n')}
<text x="${(FRAME.left + WIDTH - FRAME.right) / 2}" y="${HEIGHT - 12}" text-anchor="middle">${escape(x.label)}</text>
<text transform="translate(16 ${(FRAME.top + bottom) / 2}) rotate(-90)" text-anchor="middle">${escape(y.label)}</text>
</svg>
`;
}

function draw({ points, dashed }, colour, across, up) {
  const line = points
    .map(({ at, median }) => `${across.place(at).toFixed(1)} ${up.place(median).toFixed(1)}`)
    .join('L');
  const path = `<path d="M${line}" fill="none" stroke="${colour}" stroke-width="2"${dashed ? ' stroke-dasharray="5 4"' : ''}/>`;
  if (dashed) return path;
  const marks = points.map(({ at, min, median, max }) => {
    const [left, from, to] = [across.place(at), up.place(min), up.place(max)].map((place) => place.toFixed(1));
    return `<path d="M${left} ${from}V${to}" stroke="${colour}"/><circle cx="${left}" cy="${up.place(median).toFixed(1)}" r="3.5" fill="${colour}"/>`;
  });
  return path + marks.join('');
}
