/**
 * When what goes wrong: a plan drawn from the seed, spread over the progress of the work rather than over time, so that
 * every fault falls while there is work, on a fast machine and on a slow one.
 */
import type { Random } from './random.ts';

export const FAULT_KINDS = ['worker kill', 'worker freeze', 'redis kill', 'reply lost'] as const;
export type FaultKind = (typeof FAULT_KINDS)[number];

export interface Fault {
  readonly kind: FaultKind;
  /** The share of the jobs that are settled when it falls. */
  readonly at: number;
}

/** Spreads so many faults of each kind evenly, each somewhere within its part. */
export function planFaults(counts: Readonly<Record<FaultKind, number>>, random: Random): Fault[] {
  return FAULT_KINDS.flatMap((kind) =>
    Array.from({ length: counts[kind] }, (_, n) => ({ kind, at: (n + random.next()) / counts[kind] })),
  ).toSorted((a, b) => a.at - b.at);
}

/** Carries the plan out, one fault after the other; a fault that fails is thrown. */
export async function strike(
  plan: readonly Fault[],
  until: (share: number) => Promise<void>,
  deeds: Readonly<Record<FaultKind, () => Promise<void>>>,
): Promise<void> {
  for (const { kind, at } of plan) {
    await until(at);
    await deeds[kind]();
  }
}
