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
    else if (selection) query.set('sel', `${selection.x.toFixed(2)},${selection.y.toFixed(2)}`);
    const search = `?${query.toString().replaceAll('%2C', ',').replaceAll('%3A', ':')}`;
    if (search !== window.location.search) window.history.replaceState(null, '', search);
    return search;
  },

  /** A click of the view, or the close button, as a selection. */
  select(click, closed) {
    const keep = window.dash_clientside.no_update;
    const by = window.dash_clientside.callback_context.triggered_id;
    if (by && typeof by === 'object') return closed.some((n) => n) ? null : keep;
    if (!click) return keep;
    if (click.feature !== null) return { feature: click.feature, x: click.x, y: click.y };
    return click.terrain ? { x: click.x, y: click.y } : null;
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

// Jobs of other people and of the command line appear when the reader comes back to the page.
document.addEventListener('visibilitychange', () => {
  if (!document.hidden && document.getElementById('page')) {
    window.dash_clientside.set_props('focused', { data: Date.now() });
  }
});
