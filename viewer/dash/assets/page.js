// What happens in the page without asking the server: texts of the other language, switches, the permalink.
window.dash_clientside = window.dash_clientside || {};
window.dash_clientside.twin = {
  /** Every fixed text in the language; `keys` is in the order of the outputs. */
  relabel(lang, strings, keys) {
    document.documentElement.lang = lang;
    return keys.map((key) => strings[lang][key]);
  },

  /** The entry of the language. */
  pick(lang, byLang) {
    return byLang[lang];
  },

  /** Switches and sliders as one setting a layer. */
  settings(visible, opacity, before) {
    const ids = window.dash_clientside.callback_context.inputs_list;
    const after = {};
    ids[0].forEach((input, k) => {
      after[input.id.id] = { visible: visible[k], opacity: opacity[k] };
    });
    const keep = window.dash_clientside.no_update;
    if (ids[0].length === 0) return [keep, keep];
    const all = { ...before, ...after };
    return [JSON.stringify(all) === JSON.stringify(before) ? keep : all, all];
  },

  /** The address says what is shown; the history is not filled. */
  remember(lang, run, time, camera, layers, color, selection, restored) {
    if (!restored) return window.dash_clientside.no_update;
    const query = new URLSearchParams();
    query.set('lang', lang);
    if (run) query.set('run', run);
    if (run && time !== null && time !== undefined) query.set('t', String(Math.round(time * 10) / 10));
    if (camera) {
      const places = [...camera.position, ...camera.target];
      query.set('cam', places.map((v) => String(Math.round(v * 100) / 100)).join(','));
    }
    const shown = Object.entries(layers || {}).map(([id, s]) => `${id}:${s.visible ? s.opacity : 0}`);
    if (shown.length > 0) query.set('layers', shown.join(','));
    if (color && color !== 'usage') query.set('color', color);
    if (selection && Number.isInteger(selection.feature)) query.set('sel', `b${selection.feature}`);
    else if (selection && selection.overlay) query.set('sel', `${selection.overlay}:${selection.number}`);
    else if (selection) query.set('sel', `${selection.x.toFixed(2)},${selection.y.toFixed(2)}`);
    const search = `?${query.toString().replaceAll('%2C', ',').replaceAll('%3A', ':')}`;
    if (search !== window.location.search) window.history.replaceState(null, '', search);
    return search;
  },

  /** A click of the view, or the close button, as a selection. */
  select(click, closed, picking) {
    const keep = window.dash_clientside.no_update;
    const by = window.dash_clientside.callback_context.triggered_id;
    if (by && typeof by === 'object') return closed.some((n) => n) ? null : keep;
    if (!click || picking) return keep;
    if (click.overlay) return { overlay: click.overlay.id, number: click.overlay.feature, x: click.x, y: click.y };
    if (click.feature !== null) return { feature: click.feature, x: click.x, y: click.y };
    return click.terrain ? { x: click.x, y: click.y } : null;
  },

  /** A place of the form is chosen on the map: its button, then a click on the ground. */
  pick_place(buttons, click, picking, origin) {
    const keep = window.dash_clientside.no_update;
    const by = window.dash_clientside.callback_context.triggered_id;
    const mark = (path) => {
      document.getElementById('page').classList.toggle('picking', Boolean(path));
      return path;
    };
    if (by && typeof by === 'object') {
      if (!buttons.some((n) => n)) return keep;
      return mark(picking === by.path ? null : by.path);
    }
    if (!picking || !click || click.x === null || !origin) return keep;
    const place = [click.x + origin[0], click.y + origin[1]].map((v) => v.toFixed(1)).join(', ');
    window.dash_clientside.set_props({ type: 'field', path: picking }, { value: place });
    return mark(null);
  },

  /** What the view takes as it is; a run that is computed again gets a new address, so that it is followed again. */
  pass_on(lang, color, run, submitted) {
    const again = submitted && submitted.keys.includes(run) ? `?n=${submitted.n}` : '';
    return [lang, color, run ? `/api/runs/${run}${again}` : null];
  },

  /** Progress and time left of the cards that are in the page. */
  advance(advances) {
    const keep = window.dash_clientside.no_update;
    const of = (output, value) => output.map((card) => {
      const found = advances && advances[card.id.key];
      return found ? value(found) : keep;
    });
    const [bar, label, text, left] = window.dash_clientside.callback_context.outputs_list;
    return [
      of(bar, (found) => found[0]),
      of(label, (found) => `${found[0]} %`),
      of(text, (found) => `${found[0]} %`),
      of(left, (found) => found[1]),
    ];
  },

  /** Which of the cards is that of the run that is shown. */
  mark(run) {
    const [cards, buttons] = window.dash_clientside.callback_context.outputs_list;
    return [
      cards.map((card) => (card.id.key === run ? 'job shown' : 'job')),
      buttons.map((button) => (button.id.key === run ? 'true' : 'false')),
    ];
  },

  /** Opens or closes the control panel; a narrow window starts with it closed. */
  toggle(n) {
    const page = document.getElementById('page');
    const narrow = window.matchMedia('(max-width: 820px)').matches;
    const name = narrow ? 'controls-open' : 'controls-closed';
    if (n) page.classList.toggle(name);
    const open = narrow ? page.classList.contains(name) : !page.classList.contains(name);
    return open ? 'true' : 'false';
  },
};

// Functions that charts of the page name.
window.dashMantineFunctions = window.dashMantineFunctions || {};
/** Seconds as `1:05`. */
window.dashMantineFunctions.clock = (seconds) => {
  const minutes = Math.round(Number(seconds) / 60);
  return `${Math.floor(minutes / 60)}:${String(minutes % 60).padStart(2, '0')}`;
};

/** Moves the charts' time line, and fills the shelters' bars, to a time [s]. */
window.dash_clientside.twin.show_time = (time) => {
  for (const chart of document.querySelectorAll('#charts .chart')) {
    const cursor = chart.querySelector('.chart-cursor');
    if (cursor) {
      const share = time / Number(chart.dataset.end);
      cursor.style.setProperty('--now', String(Math.min(Math.max(share, 0), 1)));
      cursor.hidden = share < 0 || share > 1;
    }
    if (!chart.dataset.series) continue;
    const { x, y } = JSON.parse(chart.dataset.series);
    let k = x.findIndex((t) => t > time + 1e-6) - 1;
    if (k < -1) k = x.length - 1;
    chart.querySelectorAll('li').forEach((row, n) => {
      const load = k < 0 ? 0 : y[n][k];
      const limit = Number(row.dataset.limit);
      const text = limit ? `${load.toLocaleString()} / ${limit.toLocaleString()}` : load.toLocaleString();
      row.querySelector('.load-text').textContent = text;
      const most = limit || Math.max(...y[n], 1);
      row.querySelector('.load-fill').style.width = `${Math.min(100, (100 * load) / most)}%`;
      row.classList.toggle('full', Boolean(limit) && load >= limit);
    });
  }
};

// The view's clock runs without the server: the charts look at it while they can be seen.
let charted = null;
setInterval(() => {
  const charts = document.getElementById('charts');
  if (!charts || charts.offsetParent === null || !window.__view) return;
  const time = window.__view.time();
  const drawn = charts.firstElementChild;
  if (time === null || (charted && charted.time === time && charted.drawn === drawn)) return;
  charted = { time, drawn };
  window.dash_clientside.twin.show_time(time);
}, 150);

// Jobs of other people and of the command line appear when the reader comes back to the page.
document.addEventListener('visibilitychange', () => {
  if (!document.hidden && document.getElementById('page')) {
    window.dash_clientside.set_props('focused', { data: Date.now() });
  }
});
