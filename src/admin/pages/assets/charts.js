import uPlot from './uplot.js';

const heightPx = 120;
const drawn = new Map();
const scheme = matchMedia('(prefers-color-scheme: dark)');

for (const figure of document.querySelectorAll('[data-chart]')) draw(figure);
new MutationObserver((changes) => {
  for (const { target } of changes) update(target);
}).observe(document.body, { subtree: true, attributes: true, attributeFilter: ['data-chart'] });
scheme.addEventListener('change', () => {
  for (const figure of drawn.keys()) draw(figure);
});
const sizes = new ResizeObserver((entries) => {
  for (const { target } of entries) {
    const width = target.clientWidth;
    const chart = drawn.get(target.closest('[data-chart]'));
    if (chart && width > 0 && chart.width !== width) chart.setSize({ width, height: heightPx });
  }
});
for (const plot of document.querySelectorAll('.plot')) sizes.observe(plot);

function draw(figure) {
  drawn.get(figure)?.destroy();
  const place = figure.querySelector('.plot');
  const { times, series, max } = JSON.parse(figure.dataset.chart);
  const styles = getComputedStyle(figure);
  const soft = styles.getPropertyValue('--soft');
  const axis = {
    stroke: soft,
    font: `11px ${styles.fontFamily}`,
    grid: { stroke: styles.getPropertyValue('--line'), width: 1 },
    ticks: { show: false },
  };
  const options = {
    width: place.clientWidth,
    height: heightPx,
    legend: { show: false },
    cursor: { show: false },
    padding: [8, 4, 0, 0],
    scales: { y: { range: (_, __, highest) => [0, max ?? Math.max(highest ?? 0, 4)] } },
    axes: [
      { ...axis, size: 24, space: 60, values: (_, ticks) => ticks.map(clock) },
      { ...axis, size: 34, space: 26, incrs: [1, 2, 5, 10, 20, 25, 50, 100, 200, 500, 1000, 2000, 5000, 10_000] },
    ],
    series: [{}, ...series.map(({ label, tone }) => line(label, styles.getPropertyValue(`--${tone}`)))],
  };
  drawn.set(figure, new uPlot(options, columns({ times, series }), place));
}

function update(figure) {
  drawn.get(figure)?.setData(columns(JSON.parse(figure.dataset.chart)));
}

function columns({ times, series }) {
  return [times, ...series.map(({ values }) => values)];
}

function line(label, stroke) {
  const points = { show: true, size: 4, fill: stroke, filter: alone };
  return { label, stroke, width: 1.5, points, fill: `color-mix(in srgb, ${stroke} 12%, transparent)` };
}

/** Values with nothing beside them: no line leads there. */
function alone(chart, index) {
  const values = chart.data[index];
  return values.flatMap((value, at) => (value != null && values[at - 1] == null && values[at + 1] == null ? at : []));
}

function clock(seconds) {
  return new Date(seconds * 1000).toLocaleTimeString([], { hour: '2-digit', minute: '2-digit', hour12: false });
}
