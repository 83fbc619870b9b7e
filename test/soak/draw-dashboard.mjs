/** Draws a Grafana dashboard's panels as SVG: places, titles, units and names of lines as the dashboard says. */

const COLUMN = 22;
const ROW = 30;
const MARGIN = { left: 12, top: 80 };
const PLOT = { left: 52, right: 12, top: 30, bottom: 42 };
const COLOURS = ['#1f77b4', '#ff7f0e', '#2ca02c', '#d62728', '#9467bd', '#8c564b', '#17becf', '#7f7f7f'];
const LINES_AT_MOST = 8;

const UNITS = {
  bytes: (value) => (value >= 2 ** 30 ? `${(value / 2 ** 30).toFixed(1)} GiB` : `${Math.round(value / 2 ** 20)} MiB`),
  percentunit: (value) => `${Math.round(value * 100)} %`,
  s: (value) => (value < 1 ? `${Math.round(value * 1000)} ms` : `${trim(value)} s`),
  reqps: (value) => `${trim(value)}/s`,
  short: (value) => trim(value),
};
const trim = (value) => String(Number(value.toPrecision(3)));
const escape = (text) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

/**
 * @param panels of the dashboard, each with `lines`: the series of all its targets, named
 * @param span `{ from, to }` in epoch seconds
 */
export function drawDashboard({ title, panels, span, captions }) {
  const bottom = Math.max(...panels.map(({ gridPos: { y, h } }) => y + h));
  const [width, height] = [24 * COLUMN * 2 + 2 * MARGIN.left, bottom * ROW + MARGIN.top + MARGIN.left];
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="11">`,
    `<rect width="100%" height="100%" fill="#f4f5f5"/>`,
    `<text x="${MARGIN.left}" y="26" font-size="18" font-weight="bold">${escape(title)}</text>`,
    ...captions.map(
      (line, index) => `<text x="${MARGIN.left}" y="${46 + index * 16}" fill="#555">${escape(line)}</text>`,
    ),
    ...panels.map((panel) => drawPanel(panel, span)),
    '</svg>',
    '',
  ].join('\n');
}

function drawPanel({ title, gridPos, lines, unit }, span) {
  const box = { x: MARGIN.left + gridPos.x * COLUMN * 2, y: MARGIN.top + gridPos.y * ROW };
  const size = { width: gridPos.w * COLUMN * 2 - 8, height: gridPos.h * ROW - 8 };
  const plot = { width: size.width - PLOT.left - PLOT.right, height: size.height - PLOT.top - PLOT.bottom };
  const tell = UNITS[unit] ?? UNITS.short;
  const top = roundUp(Math.max(0, ...lines.flatMap(({ points }) => points.map(([, value]) => value))));
  const x = (at) => PLOT.left + ((at - span.from) / (span.to - span.from)) * plot.width;
  const y = (value) => PLOT.top + (1 - value / top) * plot.height;
  const grid = [0, 0.5, 1].map(
    (share) =>
      `<path d="M${PLOT.left} ${y(top * share)}h${plot.width}" stroke="#ddd"/><text x="${PLOT.left - 5}" y="${y(top * share) + 4}" text-anchor="end" fill="#555">${tell(top * share)}</text>`,
  );
  const times = [0, 0.5, 1].map((share) => {
    const at = span.from + share * (span.to - span.from);
    const anchor = ['start', 'middle', 'end'][share * 2];
    return `<text x="${x(at)}" y="${PLOT.top + plot.height + 14}" text-anchor="${anchor}" fill="#555">${new Date(at * 1000).toISOString().slice(11, 19)}</text>`;
  });
  return [
    `<g transform="translate(${box.x} ${box.y})"><rect width="${size.width}" height="${size.height}" fill="#fff" stroke="#ccc" rx="3"/>`,
    `<text x="10" y="19" font-weight="bold">${escape(title)}</text>`,
    ...grid,
    ...times,
    ...lines.slice(0, LINES_AT_MOST).map(({ points }, index) => drawLine(points, COLOURS[index], x, y)),
    drawLegend(lines, size),
    lines.length === 0
      ? `<text x="${size.width / 2}" y="${size.height / 2}" text-anchor="middle" fill="#777">No data</text>`
      : '',
    '</g>',
  ].join('\n');
}

/** A point that lies alone, between gaps, is drawn as a dot. */
function drawLine(points, colour, x, y) {
  const path = points.map(
    ([at, value], index) => `${index === 0 ? 'M' : 'L'}${x(at).toFixed(1)} ${y(value).toFixed(1)}`,
  );
  return `<path d="${path.join('')}" fill="none" stroke="${colour}" stroke-width="1.5" stroke-linecap="round"/>`;
}

function drawLegend(lines, size) {
  let left = 10;
  const names = lines.slice(0, LINES_AT_MOST).map(({ name }, index) => {
    const at = left;
    left += 22 + name.length * 6;
    return `<rect x="${at}" y="${size.height - 17}" width="10" height="3" fill="${COLOURS[index]}"/><text x="${at + 14}" y="${size.height - 11}">${escape(name)}</text>`;
  });
  return names.join('');
}

/** To one, two or five of a power of ten; at least a little above nothing. */
function roundUp(value) {
  if (value <= 0) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 5, 10].find((step) => value <= step * power) * power;
}
