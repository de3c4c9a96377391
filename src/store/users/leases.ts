/**
 * Renews the locks of running jobs' users with one timer, which stops while there are none.
 */

/** The lease of one run on its user. */
export interface Lease {
  /** Whether it is valid for this many milliseconds more, as far as this process knows. */
  holdsFor(ms: number): boolean;
  /** The run is over. */
  end(): void;
}

interface Held {
  recordId: string;
  run: string;
  /** By the monotonic clock. */
  until: number;
}

export interface LeasesOptions {
  leaseMs: number;
  /** Returns for each lease whether the run still has it. */
  extend: (leases: readonly { recordId: string; run: string }[]) => Promise<readonly boolean[]>;
  /** A clock that only goes forward, in milliseconds. */
  now?: () => number;
}

export interface Leases {
  /** @param calledAt when the lock was requested: the process may have been frozen before the answer arrived. */
  add(recordId: string, run: string, calledAt: number): Lease;
}

/** Extensions per lease: what is left is nearly always longer than a request's deadline. */
const EXTENSIONS = 4;

export function createLeases({ leaseMs, extend, now = () => performance.now() }: LeasesOptions): Leases {
  const held = new Set<Held>();
  let timer: NodeJS.Timeout | undefined;

  const extendAll = async () => {
    const extended = [...held];
    const calledAt = now();
    const isOurs = await extend(extended.map(({ recordId, run }) => ({ recordId, run }))).catch(
      () => undefined,
    );
    for (const [index, lease] of extended.entries()) {
      // Without an answer from Redis the lease keeps its end.
      if (isOurs === undefined) continue;
      if (isOurs[index] === true) lease.until = calledAt + leaseMs;
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
    add(recordId, run, calledAt) {
      const lease = { recordId, run, until: calledAt + leaseMs };
      held.add(lease);
      timer ??= setInterval(tick, leaseMs / EXTENSIONS).unref();
      return {
        holdsFor: (ms) => now() + ms <= lease.until,
        end: () => void held.delete(lease),
      };
    },
  };
}
