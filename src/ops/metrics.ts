/**
 * The metrics, in the text format of Prometheus: what the fleet shares is read from Redis when it is asked for. Labels are
 * names from the configuration, never a value from a job.
 */
import { Gauge, Registry } from 'prom-client';
import type { GateState } from '../redis/gates/gate-state.ts';
import { within } from './within.ts';

export interface MetricsSources {
  gates: () => Promise<GateState[]>;
  /** Undefined where there is no admin whose log-ins could be counted. */
  logins?: (() => Promise<{ left: number; barredUntil?: number }>) | undefined;
  rate: () => Promise<{ ratePerS?: number; pausedUntil?: number }>;
}

export interface Metrics {
  readonly contentType: string;
  /** What cannot be read within a second is left out. */
  read(): Promise<string>;
}

const PATIENCE_MS = 1000;

export function createMetrics(sources: MetricsSources): Metrics {
  const registry = new Registry();
  const gauge = <Label extends string>(name: string, help: string, labelNames: Label[] = []) =>
    new Gauge({ name: `damoov_users_${name}`, help, labelNames, registers: [registry] });
  const shut = gauge('gate_shut', '1 while a credential is refused, or Damoov is away', ['gate']);
  const held = gauge('gate_held_jobs', 'Jobs that wait before a gate', ['gate']);
  const loginsLeft = gauge('logins_left', 'Log-ins that these credentials may still make within the hour');
  const loginBarred = gauge(
    'login_barred_seconds',
    'How long a bar on log-ins lasts from now on, after a 429 or a failed one',
  );
  const rate = gauge(
    'requests_per_second_limit',
    'What the fleet may send to Damoov; absent where nothing limits it',
  );
  const paused = gauge(
    'requests_paused_seconds',
    'For how long the fleet sends nothing from now on, after a 429',
  );

  return {
    contentType: registry.contentType,
    async read() {
      registry.resetMetrics();
      const [gates, logins, limit] = await Promise.all([
        within(PATIENCE_MS, sources.gates()),
        sources.logins && within(PATIENCE_MS, sources.logins()),
        within(PATIENCE_MS, sources.rate()),
      ]);
      for (const state of gates ?? []) {
        shut.set({ gate: state.gate }, state.shutSince === undefined ? 0 : 1);
        held.set({ gate: state.gate }, state.held);
      }
      const nowMs = Date.now();
      tell(loginsLeft, logins?.left);
      tell(loginBarred, logins && secondsUntil(logins.barredUntil, nowMs));
      tell(rate, limit?.ratePerS);
      tell(paused, limit && secondsUntil(limit.pausedUntil, nowMs));
      return registry.metrics();
    },
  };
}

/** What is not known is left out: Prometheus would take 0 for a figure. */
function tell(metric: Gauge, value: number | undefined): void {
  if (value === undefined) metric.remove();
  else metric.set(value);
}

function secondsUntil(atMs: number | undefined, nowMs: number): number {
  return Math.max(0, (atMs ?? nowMs) - nowMs) / 1000;
}
