/**
 * The script of the page, run by the reader's browser: the replay of the sales, and the readouts of the charts. It asks nothing of any
 * server, and the page says everything without it but the map.
 */
export const PAGE_SCRIPT = `
'use strict';
(() => {
  const data = JSON.parse(document.getElementById('replay-data').textContent);
  const root = document.getElementById('replay');
  const play = document.getElementById('play');
  const label = document.getElementById('play-label');
  const slider = document.getElementById('time');
  const speed = document.getElementById('speed');
  const output = document.getElementById('moment');
  const number = new Intl.NumberFormat('en-US');

  const times = new Float64Array(data.deltasUs.length);
  let last = 0;
  data.deltasUs.forEach((delta, index) => { last += delta; times[index] = last; });

  let start = 0;
  const groups = data.groups.map(({ size, columns }, index) => {
    const figure = root.querySelectorAll('.group')[index];
    const group = { size, columns, rows: Math.ceil(size / columns), start, sold: 0, canvas: figure.querySelector('canvas'), count: figure.querySelector('.sold') };
    group.canvas.style.aspectRatio = columns + ' / ' + group.rows;
    start += size;
    return group;
  });
  const groupOf = new Uint32Array(start);
  groups.forEach((group, index) => groupOf.fill(index, group.start, group.start + group.size));

  let colours = {};
  const readColours = () => {
    const style = getComputedStyle(document.documentElement);
    for (const name of ['free', 'a', 'b']) colours[name] = style.getPropertyValue('--' + name).trim();
  };

  let drawn = 0;
  let nowUs = data.spanUs;

  const cell = (group, place, colour) => {
    const { canvas, columns, rows } = group;
    const column = place % columns;
    const row = Math.floor(place / columns);
    const x = Math.round((column * canvas.width) / columns);
    const y = Math.round((row * canvas.height) / rows);
    const right = Math.round(((column + 1) * canvas.width) / columns);
    const bottom = Math.round(((row + 1) * canvas.height) / rows);
    const gap = right - x > 14 ? 3 : right - x > 3 ? 1 : 0;
    const context = canvas.getContext('2d');
    context.fillStyle = colour;
    context.fillRect(x, y, right - x - gap, bottom - y - gap);
  };

  const clear = () => {
    drawn = 0;
    for (const group of groups) {
      const { canvas } = group;
      const ratio = window.devicePixelRatio || 1;
      const width = Math.max(group.columns, Math.round(canvas.clientWidth * ratio));
      const height = Math.max(group.rows, Math.round((width * group.rows) / group.columns));
      if (canvas.width !== width || canvas.height !== height) { canvas.width = width; canvas.height = height; }
      canvas.getContext('2d').clearRect(0, 0, width, height);
      for (let place = 0; place < group.size; place += 1) cell(group, place, colours.free);
      group.sold = 0;
    }
  };

  const moment = (us) => data.spanUs < 1e6 ? (us / 1e3).toFixed(0) + ' ms' : (us / 1e6).toFixed(2) + ' s';

  const show = (us) => {
    nowUs = Math.min(us, data.spanUs);
    if (drawn > 0 && times[drawn - 1] > nowUs) clear();
    while (drawn < times.length && times[drawn] <= nowUs) {
      const place = data.places[drawn];
      const group = groups[groupOf[place]];
      const isLater = data.killUs !== null && times[drawn] > data.killUs;
      cell(group, place - group.start, isLater ? colours.b : colours.a);
      group.sold += 1;
      drawn += 1;
    }
    for (const group of groups) group.count.textContent = number.format(group.sold);
    const text = moment(nowUs) + ', ' + number.format(drawn) + ' of ' + number.format(data.total) + ' ' + data.sold;
    output.textContent = text;
    slider.value = String(Math.round((nowUs / data.spanUs) * 1000));
    slider.setAttribute('aria-valuetext', text);
  };

  let lastFrame = 0;
  let playing = false;
  const setPlaying = (value) => {
    playing = value;
    play.classList.toggle('is-playing', value);
    label.textContent = value ? 'Pause' : 'Play';
    output.setAttribute('aria-live', value ? 'off' : 'polite');
    if (value) { lastFrame = performance.now(); requestAnimationFrame(frame); }
  };
  const frame = (time) => {
    if (!playing) return;
    show(nowUs + Math.max(0, time - lastFrame) * 1000 * Number(speed.value));
    lastFrame = time;
    if (nowUs >= data.spanUs) setPlaying(false); else requestAnimationFrame(frame);
  };
  play.addEventListener('click', () => {
    if (!playing && nowUs >= data.spanUs) show(0);
    setPlaying(!playing);
  });
  slider.addEventListener('input', () => {
    setPlaying(false);
    show((Number(slider.value) / 1000) * data.spanUs);
  });

  const redraw = () => { readColours(); clear(); show(nowUs); };
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', redraw);
  new ResizeObserver(redraw).observe(root.querySelector('.groups'));
  redraw();

  for (const figure of document.querySelectorAll('.chart')) {
    const readings = JSON.parse(figure.dataset.readings);
    const plot = figure.querySelector('.plot');
    const readout = figure.querySelector('.readout');
    let at = -1;
    const point = (index) => {
      at = Math.min(readings.length - 1, Math.max(0, index));
      readout.textContent = readings[at];
      for (const svg of plot.querySelectorAll('svg')) {
        const left = Number(svg.dataset.left);
        const x = left + ((at + 0.5) / readings.length) * (Number(svg.dataset.right) - left);
        const cursor = svg.querySelector('.cursor');
        cursor.setAttribute('transform', 'translate(' + x + ' 0)');
        cursor.setAttribute('visibility', 'visible');
      }
    };
    plot.addEventListener('pointermove', (event) => {
      const svg = [...plot.querySelectorAll('svg')].find((one) => one.getBoundingClientRect().width > 0);
      const box = svg.getBoundingClientRect();
      const x = ((event.clientX - box.left) / box.width) * svg.viewBox.baseVal.width;
      const left = Number(svg.dataset.left);
      point(Math.floor(((x - left) / (Number(svg.dataset.right) - left)) * readings.length));
    });
    plot.addEventListener('keydown', (event) => {
      const next = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: readings.length - 1 }[event.key];
      if (next === undefined) return;
      event.preventDefault();
      point(next);
    });
  }
})();
`;
