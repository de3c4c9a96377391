/**
 * Keeps the page fresh: asks for the panels every few seconds while somebody looks, and puts in what has changed. Knows nothing
 * of what they say.
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

/** Nothing is asked for while nobody looks. */
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
    // Another password, or a limit: a reload asks for it.
    if (answer.status === 401) isPaused = true;
    if (answer.ok) {
      show(await answer.json());
      isFresh = true;
    }
  } catch {
    // It is tried again.
  }
  body.classList.toggle('stale', !isFresh);
  schedule(EVERY_MS);
}

/** What is the same stays: nobody is told it again, and nothing that is pointed at goes away. */
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
