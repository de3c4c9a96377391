/**
 * The metrics, in the text format of Prometheus: what the fleet shares is read from Redis when it is asked for. Labels are
 * names from the configuration, never a value from a job.
 */
import { Gauge, Registry } from 'prom-client';
import type { GateState } from '../redis/gates.ts';
import { within } from './within.ts';

export interface MetricsSources {
  gates: () => Promise<GateState[]>;
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

  return {
    contentType: registry.contentType,
    async read() {
      registry.resetMetrics();
      const gates = await within(PATIENCE_MS, sources.gates());
      for (const state of gates ?? []) {
        shut.set({ gate: state.gate }, state.shutSince === undefined ? 0 : 1);
        held.set({ gate: state.gate }, state.held);
      }
      return registry.metrics();
    },
  };
}
