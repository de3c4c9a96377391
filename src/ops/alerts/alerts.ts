/**
 * Alerts without Prometheus: sends to a webhook what needs an operator, once when it has lasted, once a day while it lasts, and once when
 * it is over.
 */
import type { AlertStore, Sendings } from '../../store/alerts/alert-store.ts';
import { type Attention, attentionToFleet } from '../dashboard/fleet/attention.ts';
import type { FleetStatus } from '../fleet-status.ts';

export interface AlertsOptions {
  status: () => Promise<FleetStatus>;
  store: AlertStore;
  /** Slack and others take it: a JSON object with `text`. */
  url: string;
  /** Names the fleet in each text. */
  fleet: string;
  /** Called without the address, which may be a secret. */
  onFault: (reason: string) => void;
}

const TIMEOUT_MS = 5000;

/** An outage that ends by itself soon is no alert. */
const PATIENCE_MS = 5 * 60_000;

/** These end by themselves and need no operator. */
const IGNORED = new Set(['failed', 'rate']);

/** Returns a function that looks once. */
export function createAlerts({ status, store, url, fleet, onFault }: AlertsOptions): () => Promise<void> {
  /** The last text of each state, for the message that it is over. */
  const texts = new Map<string, string>();
  let hasSentFull = false;
  return async () => {
    const present = attentionToFleet(await status()).filter(({ name }) => !IGNORED.has(name));
    for (const one of present) texts.set(one.name, one.text);
    // If Redis takes no writes, the workers cannot agree on one that sends: each one does.
    const sendings = await store.take(present.map(stateOf)).catch(() => ownSendings(present));
    const lines = [
      ...present
        .filter(({ name }) => sendings.begun.includes(name))
        .map((one) => `${one.text} ${one.advice}`),
      ...sendings.over.map((name) => `Over: ${texts.get(name) ?? name}`),
    ];
    if (lines.length === 0) return;
    const fault = await send(url, [`damoov-users ${fleet}:`, ...lines].join('\n'));
    if (fault === undefined) return;
    onFault(fault);
    await store.giveBack(sendings).catch(() => {});
  };

  function ownSendings(present: readonly Attention[]): Sendings {
    const isFull = present.some(({ name }) => name === 'redis');
    const begun = isFull && !hasSentFull ? ['redis'] : [];
    hasSentFull = isFull;
    return { begun, over: [] };
  }
}

function stateOf({ name }: Attention) {
  const isUrgent = name === 'deletion-limit' || name.startsWith('dead letters');
  return { name, patienceMs: isUrgent ? 0 : PATIENCE_MS };
}

/** @returns why the webhook did not accept it. */
async function send(url: string, text: string): Promise<string | undefined> {
  try {
    const answer = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ text }),
      redirect: 'error',
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    await answer.body?.cancel();
    return answer.ok ? undefined : `status ${answer.status}`;
  } catch (error) {
    return error instanceof Error ? error.name : 'no answer';
  }
}
