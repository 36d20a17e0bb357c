// Draws what the sampler tells.  Everything that a container can choose arrives as text and stays text.
// Looks are attributes: a notebook that is saved keeps this as it is, without the style sheet.

const SVG = 'http://www.w3.org/2000/svg';
const POINTS = 60;
const HEADROOM = 1.15;
const AGAIN = 10_000; // milliseconds after which the kernel is told again that somebody looks
const UNHEARD = 2_000; // the same at first, while it has not answered: it may be running a cell
const LEFT = { style: 'text-align:left' };
const PANELS = [
  ['cpu', 'CPU'],
  ['memory', 'Memory'],
  ['pids', 'Processes']
];

function element(name, attributes = {}, text = '') {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    made.setAttribute(key, value);
  }
  made.textContent = text;
  return made;
}

function drawn(name, attributes) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) {
    made.setAttribute(key, String(value));
  }
  return made;
}

function bytes(value) {
  return value < 2 ** 30 ? `${(value / 2 ** 20).toFixed(1)} MB` : `${(value / 2 ** 30).toFixed(2)} GB`;
}

function words(key, value, limit) {
  if (value === null || value === undefined) {
    return key === 'cpu' ? 'not counted yet' : 'not counted';
  }
  const limited = limit !== null && limit !== undefined;
  if (key === 'memory') {
    return bytes(value) + (limited ? ` of ${bytes(limit)}` : '');
  }
  if (key === 'cpu') {
    return value.toFixed(2) + (limited ? ` of ${limit} CPUs` : ' CPUs');
  }
  return String(value) + (limited ? ` of ${limit}` : '');
}

function heading(series) {
  if (series.ended) {
    return `${series.name}: ${series.ended}`;
  }
  return series.counted_by === '/proc' ? `${series.name}, counted from /proc: no cgroup, no limits` : series.name;
}

class Panel {
  constructor(series, at, width, height) {
    [this.key, this.title] = PANELS[at];
    Object.assign(this, { series, at, width, height });
    this.svg = drawn('svg', { role: 'img', width, height, style: 'vertical-align:middle' });
    const frame = drawn('rect', { width, height, fill: 'none', stroke: 'var(--jp-border-color2, #9e9e9e)' });
    this.limit = drawn('path', { stroke: 'var(--jp-error-color1, #d32f2f)', 'stroke-dasharray': '4 3' });
    this.line = drawn('polyline', { fill: 'none', stroke: 'var(--jp-brand-color1, #1976d2)', 'stroke-width': 1.5 });
    this.svg.append(frame, this.limit, this.line);
    this.words = element('span');
  }

  draw() {
    const { series, at, width, height } = this;
    const limit = series.limits[this.key];
    const limited = limit !== null && limit !== undefined;
    const counted = series.points.map(point => point[at]).filter(value => value !== null);
    const top = Math.max(...counted, limited ? limit : 0, 1e-9) * HEADROOM;
    const y = value => (height * (1 - value / top)).toFixed(1);
    this.limit.setAttribute('d', limited ? `M0 ${y(limit)}H${width}` : '');
    const first = POINTS - series.points.length;
    const step = width / (POINTS - 1);
    const places = series.points.map((point, number) => [point[at], ((first + number) * step).toFixed(1)]);
    this.line.setAttribute(
      'points',
      places
        .filter(([value]) => value !== null)
        .map(([value, x]) => `${x},${y(value)}`)
        .join(' ')
    );
    const last = series.points.at(-1);
    this.words.textContent = words(this.key, last ? last[at] : null, limit);
    this.svg.setAttribute('aria-label', `${this.title} of ${series.name}: ${this.words.textContent}`);
  }
}

class View {
  constructor(root, many) {
    this.root = root;
    this.many = many;
    this.panels = new Map();
    this.series = new Map();
  }

  whole(all) {
    this.series = new Map(all.map(series => [series.id, series]));
    this.panels.clear();
    this.root.replaceChildren(this.many ? this.table(all) : this.single(all[0]));
    for (const identity of this.series.keys()) {
      this.draw(identity);
    }
  }

  points(points) {
    for (const [identity, point] of Object.entries(points)) {
      const series = this.series.get(identity);
      if (series && point) {
        series.points.push(point);
        series.points.splice(0, Math.max(0, series.points.length - POINTS));
        this.draw(identity);
      }
    }
  }

  draw(identity) {
    this.panels.get(identity).forEach(panel => panel.draw());
  }

  make(series, width, height) {
    const panels = PANELS.map((_, at) => new Panel(series, at, width, height));
    this.panels.set(series.id, panels);
    return panels;
  }

  single(series) {
    const box = element('div');
    const row = element('div', { style: 'display:flex;flex-wrap:wrap;gap:12px' });
    for (const panel of this.make(series, 200, 60)) {
      const cell = element('div');
      const now = element('div');
      now.append(panel.words);
      cell.append(element('div', {}, panel.title), panel.svg, now);
      row.append(cell);
    }
    box.append(element('div', { class: 'heading', role: 'status' }, heading(series)), row);
    return box;
  }

  table(all) {
    if (all.length === 0) {
      return element('p', {}, 'No container runs.');
    }
    const table = element('table');
    const head = table.createTHead().insertRow();
    const titles = ['Container', ...PANELS.map(([, title]) => title)];
    head.append(...titles.map(title => element('th', { scope: 'col', ...LEFT }, title)));
    const body = table.createTBody();
    for (const series of all) {
      const row = body.insertRow();
      row.append(element('td', LEFT, series.name));
      for (const panel of this.make(series, 120, 24)) {
        const cell = element('td', LEFT);
        cell.append(panel.svg, ' ', panel.words);
        row.append(cell);
      }
    }
    return table;
  }
}

function render({ model, el }) {
  el.classList.add('ipycontainer-usage');
  el.setAttribute('role', 'group'); // no landmark: a notebook may show several
  el.setAttribute('aria-label', 'What containers use');
  const view = new View(el, model.get('many'));
  let heard = false;
  const hear = message => {
    heard ||= message.kind !== 'points';
    if (message.kind === 'whole') {
      view.whole(message.series);
    } else if (message.kind === 'points') {
      view.points(message.points);
    } else if (message.kind === 'problem') {
      el.replaceChildren(element('p', { role: 'alert' }, message.words));
    }
  };
  model.on('msg:custom', hear);

  // Who scrolled it away or went to another tab does not look, and nothing is measured for nobody.
  let near = false;
  let looks = false;
  let timer = 0;
  const who = crypto.getRandomValues(new Uint32Array(2)).join('-'); // another tab may show the same
  // In a page without a kernel, such as nbconvert writes, nothing else is ever told.
  const drawFirst = () => {
    const first = model.get('first');
    if (!el.hasChildNodes() && (view.many || first.length > 0)) {
      view.whole(first);
    }
  };
  const tell = content => {
    try {
      model.send(content);
    } catch {
      window.clearTimeout(timer); // the kernel is gone, and what is drawn stays
      drawFirst();
    }
  };
  // An answer may be lost: a page that is being restored hears nothing for a while.
  const say = wait => {
    if (wait > UNHEARD) {
      drawFirst();
    }
    timer = window.setTimeout(say, wait, heard ? AGAIN : Math.min(2 * wait, AGAIN));
    tell({ kind: 'look', who, ...(heard ? {} : { begins: true }) });
  };
  const judge = () => {
    const now = near && document.visibilityState === 'visible';
    if (now === looks) {
      return;
    }
    looks = now;
    window.clearTimeout(timer);
    if (looks) {
      heard = false;
      say(UNHEARD);
    } else {
      tell({ kind: 'away', who });
    }
  };
  const observer = new IntersectionObserver(entries => {
    near = entries.at(-1).isIntersecting;
    judge();
  });
  observer.observe(el);
  document.addEventListener('visibilitychange', judge);
  return () => {
    observer.disconnect();
    document.removeEventListener('visibilitychange', judge);
    model.off('msg:custom', hear);
    near = false;
    judge();
  };
}

export default { render };
