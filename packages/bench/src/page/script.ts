/**
 * The script of the page, run by the reader's browser: the replay of the sales, and the readouts of the charts. It asks nothing of any
 * server, and the page says everything without it but the map.
 */
export const PAGE_SCRIPT = `
'use strict';
for (const root of document.querySelectorAll('.replay')) {
  const find = (selector) => root.querySelector(selector);
  const data = JSON.parse(find('.replay-data').textContent);
  const play = find('.play');
  const label = find('.play-label');
  const slider = find('.time');
  const speed = find('.speed');
  const output = find('.moment');
  const sale = find('.sale');
  const number = new Intl.NumberFormat('en-US');
  const atTheEnd = [...output.childNodes];

  const times = new Float64Array(data.deltasUs.length);
  let last = 0;
  data.deltasUs.forEach((delta, index) => { last += delta; times[index] = last; });

  let start = 0;
  const groups = data.groups.map(({ size, columns }, index) => {
    const figure = root.querySelectorAll('.group')[index];
    const group = { size, columns, rows: Math.ceil(size / columns), start, sold: 0, canvas: figure.querySelector('canvas'), count: figure.querySelector('.sold'), last: -1 };
    group.end = [...group.count.childNodes];
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
      group.last = -1;
    }
  };

  const moment = (us) => data.spanUs < 1e6 ? (us / 1e3).toFixed(0) + ' ms' : (us / 1e6).toFixed(2) + ' s';

  /* A number that is counted here leads to the line of the sale that it ends with, where the log can be read. */
  const cite = (text, index) => {
    if (data.lines === null || index < 0) return document.createTextNode(text);
    const link = document.createElement('a');
    link.className = 'n';
    link.href = data.lines.page + '#L' + (data.lines.first + index);
    link.textContent = text;
    return link;
  };

  const describeSale = () => {
    if (drawn === 0) { sale.textContent = 'Nothing is ' + data.sold + ' yet.'; return; }
    const index = drawn - 1;
    const place = data.places[index];
    const at = groupOf[place];
    const text = data.unit + ' ' + (place - groups[at].start + 1) + ' of ' + data.group + ' ' + (at + 1) + ', to ' + data.buyer + ' ' + data.buyers[index];
    sale.replaceChildren(document.createTextNode('Last ' + data.sold + ': '), cite(text, index));
  };

  /* Shows the first sales, so many of them, at a moment. */
  const draw = (count, us) => {
    nowUs = us;
    if (count < drawn) clear();
    while (drawn < count) {
      const place = data.places[drawn];
      const group = groups[groupOf[place]];
      const isLater = data.killUs !== null && times[drawn] > data.killUs;
      cell(group, place - group.start, isLater ? colours.b : colours.a);
      group.sold += 1;
      group.last = drawn;
      drawn += 1;
    }
    const isOver = nowUs >= data.spanUs;
    for (const group of groups) group.count.replaceChildren(...(isOver ? group.end : [cite(number.format(group.sold), group.last)]));
    const text = moment(nowUs) + ', ' + number.format(drawn) + ' of ' + number.format(data.total) + ' ' + data.sold;
    output.replaceChildren(...(isOver ? atTheEnd : [cite(text, drawn - 1)]));
    describeSale();
    slider.value = String(Math.round((nowUs / data.spanUs) * 1000));
    slider.setAttribute('aria-valuetext', text);
  };

  const show = (us) => {
    const until = Math.min(us, data.spanUs);
    let count = drawn > 0 && times[drawn - 1] > until ? 0 : drawn;
    while (count < times.length && times[count] <= until) count += 1;
    draw(count, until);
  };

  let lastFrame = 0;
  let playing = false;
  const setPlaying = (value) => {
    playing = value;
    play.classList.toggle('is-playing', value);
    label.textContent = value ? 'Pause' : 'Play';
    output.setAttribute('aria-live', value ? 'off' : 'polite');
    sale.setAttribute('aria-live', value ? 'off' : 'polite');
    if (value) { lastFrame = performance.now(); requestAnimationFrame(frame); }
  };
  /* Whoever wants less motion sees a still picture twice a second. */
  const calm = matchMedia('(prefers-reduced-motion: reduce)');
  const frame = (time) => {
    if (!playing) return;
    if (calm.matches && time - lastFrame < 500) { requestAnimationFrame(frame); return; }
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

  /* From sale to sale, also where two were in one microsecond. */
  const step = (by) => {
    setPlaying(false);
    const count = Math.min(times.length, Math.max(0, drawn + by));
    draw(count, count === 0 ? 0 : times[count - 1]);
  };
  find('.back').addEventListener('click', () => step(-1));
  find('.next').addEventListener('click', () => step(1));

  const redraw = () => { const count = drawn; readColours(); clear(); draw(count, nowUs); };
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', redraw);
  new ResizeObserver(redraw).observe(root.querySelector('.groups'));
  redraw();
  show(data.spanUs);
}

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
`;
