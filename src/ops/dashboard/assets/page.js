/**
 * Refreshes the page: fetches the panels every few seconds while the page is visible, and replaces those that changed.
 */

const EVERY_MS = 5000;
const body = document.body;
const pause = document.getElementById('pause');
let isPaused = false;
let timer;

pause.hidden = false;
pause.addEventListener('click', () => {
  isPaused = !isPaused;
  pause.setAttribute('aria-pressed', String(isPaused));
  body.classList.toggle('paused', isPaused);
  schedule(isPaused ? undefined : 0);
});
document.addEventListener('visibilitychange', () => schedule(0));
schedule(EVERY_MS);

/** Fetches nothing while the page is hidden. */
function schedule(inMs) {
  clearTimeout(timer);
  if (inMs === undefined || isPaused || document.hidden) return;
  timer = setTimeout(refresh, inMs);
}

async function refresh() {
  let isFresh = false;
  try {
    const answer = await fetch(body.dataset.panels, {
      cache: 'no-store',
      signal: AbortSignal.timeout(2 * EVERY_MS),
    });
    // The password has changed: a reload asks for it.
    if (answer.status === 401) isPaused = true;
    if (answer.ok) {
      show(await answer.json());
      isFresh = true;
    }
  } catch {
    // The next refresh tries again.
  }
  body.classList.toggle('stale', !isFresh);
  schedule(EVERY_MS);
}

/** Keeps unchanged panels: screen readers do not repeat them, and tooltips stay open. */
function show(panels) {
  for (const [name, markup] of Object.entries(panels)) {
    const panel = document.querySelector(`[data-panel="${name}"]`);
    if (panel === null || panel.shown === markup) continue;
    const focused = panel.contains(document.activeElement) ? document.activeElement.id : '';
    panel.innerHTML = markup;
    panel.shown = markup;
    if (focused !== '') document.getElementById(focused)?.focus();
  }
}
