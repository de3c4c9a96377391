/**
 * Keeps the users of runs locked while they run: one timer for all, which stands still while there are none.
 */

/** The lease of one run on its user. */
export interface Lease {
  /** Whether it holds for so many milliseconds more, as far as this process can tell. */
  holdsFor(ms: number): boolean;
  /** The run is over. */
  end(): void;
}

interface Held {
  place: string;
  run: string;
  /** By the monotonic clock. */
  until: number;
}

export interface LeasesOptions {
  leaseMs: number;
  /** Answers for each whether it is still the run's. */
  extend: (leases: readonly { place: string; run: string }[]) => Promise<readonly boolean[]>;
  /** A clock that only goes forward, in milliseconds. */
  now?: () => number;
}

export interface Leases {
  /** @param askedAt when the lock was asked for: it may have been frozen between the answer and its arrival. */
  add(place: string, run: string, askedAt: number): Lease;
}

/** How often a lease is extended within its length: nearly always the whole deadline of a request fits into what is left. */
const EXTENSIONS = 4;

export function createLeases({ leaseMs, extend, now = () => performance.now() }: LeasesOptions): Leases {
  const held = new Set<Held>();
  let timer: NodeJS.Timeout | undefined;

  const extendAll = async () => {
    const asked = [...held];
    const askedAt = now();
    const isOurs = await extend(asked.map(({ place, run }) => ({ place, run }))).catch(() => undefined);
    for (const [index, lease] of asked.entries()) {
      // If Redis did not answer, it holds for as long as it did.
      if (isOurs === undefined) continue;
      if (isOurs[index] === true) lease.until = askedAt + leaseMs;
      else {
        lease.until = -Infinity;
        held.delete(lease);
      }
    }
  };
  const tick = () => {
    if (held.size === 0) {
      clearInterval(timer);
      timer = undefined;
    } else void extendAll();
  };

  return {
    add(place, run, askedAt) {
      const lease = { place, run, until: askedAt + leaseMs };
      held.add(lease);
      timer ??= setInterval(tick, leaseMs / EXTENSIONS).unref();
      return {
        holdsFor: (ms) => now() + ms <= lease.until,
        end: () => void held.delete(lease),
      };
    },
  };
}
