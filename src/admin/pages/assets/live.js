/** Times on the page grow old without any event. */
const idleMs = 15_000;
/** Before another attempt where the stream was refused. */
const retryMs = 10_000;
/** Changes are read out no more often than this. */
const sayMs = 20_000;
const key = 'postern-live';

/** Keeps the regions of a page as they are at the server, as long as it is looked at and nobody turned that off. */
export function startLive(main) {
  const kinds = main.dataset.live;
  const intervalMs = Number(main.dataset.interval);
  const button = document.getElementById('live');
  let isOn = localStorage.getItem(key) !== 'off';
  let source;
  let timer;
  let lastMs = performance.now();
  let isReading = false;

  function plan(waitMs) {
    clearTimeout(timer);
    timer = setTimeout(refresh, waitMs);
  }

  async function refresh() {
    if (isReading || !isOn || document.hidden) return;
    isReading = true;
    lastMs = performance.now();
    try {
      await readAnew();
    } catch {
      // Postern is away: the next attempt may find it.
    }
    isReading = false;
    plan(idleMs);
  }

  function onEvent() {
    if (isReading) return;
    plan(Math.max(0, lastMs + intervalMs - performance.now()));
  }

  function listen() {
    source?.close();
    source = undefined;
    if (!isOn || document.hidden) return clearTimeout(timer);
    source = new EventSource(`/api/v1/events?kind=${kinds}`);
    for (const kind of kinds.split(',')) source.addEventListener(kind, onEvent);
    source.onerror = () => {
      if (source?.readyState === EventSource.CLOSED) setTimeout(listen, retryMs);
    };
    plan(Math.max(0, lastMs + intervalMs - performance.now()));
  }

  function show() {
    button?.setAttribute('aria-pressed', String(isOn));
  }

  if (button) {
    button.hidden = false;
    button.addEventListener('click', () => {
      isOn = !isOn;
      localStorage.setItem(key, isOn ? 'on' : 'off');
      show();
      listen();
    });
  }
  document.addEventListener('visibilitychange', listen);
  // A stream that is left open keeps the page from being shown again as it was.
  addEventListener('pagehide', () => source?.close());
  addEventListener('pageshow', (event) => event.persisted && listen());
  show();
  listen();
}

async function readAnew() {
  const answer = await fetch(location.href);
  if (answer.redirected && new URL(answer.url).pathname === '/ui/sign-in') return location.reload();
  if (!answer.ok) return;
  const page = new DOMParser().parseFromString(await answer.text(), 'text/html');
  for (const old of document.querySelectorAll('[data-region]')) {
    const fresh = page.getElementById(old.id);
    if (fresh && !old.isEqualNode(fresh)) replace(old, fresh);
  }
  for (const old of document.querySelectorAll('[data-chart]')) {
    const fresh = page.getElementById(old.id);
    if (!fresh || old.dataset.chart === fresh.dataset.chart) continue;
    old.dataset.chart = fresh.dataset.chart;
    old.querySelector('figcaption')?.replaceWith(document.adoptNode(fresh.querySelector('figcaption')));
  }
}

function replace(old, fresh) {
  // What somebody is selecting or typing in stays.
  const selection = document.getSelection();
  if (selection && !selection.isCollapsed && old.contains(selection.anchorNode)) return;
  const focused = old.contains(document.activeElement) ? document.activeElement?.id : undefined;
  for (const details of old.querySelectorAll('details[open][id]')) {
    fresh.querySelector(`#${CSS.escape(details.id)}`)?.setAttribute('open', '');
  }
  say(old.dataset.say, fresh.dataset.say);
  old.replaceWith(document.adoptNode(fresh));
  if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
}

let saidMs = 0;

function say(before, now) {
  const place = document.getElementById('said');
  if (!place || !now || before === now || performance.now() - saidMs < sayMs) return;
  saidMs = performance.now();
  place.textContent = now;
}
