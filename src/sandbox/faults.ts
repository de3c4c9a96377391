/**
 * Draws the faults of the modes from one seeded generator: the same seed, modes and sequence of requests give the same faults.
 */
import { type Answer, emptyError, failure, htmlError } from './envelope.ts';
import { RateWindow } from './limits.ts';
import type { SandboxModes } from './modes.ts';

/** The socket is closed and no answer is sent. */
export const DROP = Symbol('drop');

export class Faults {
  readonly #window = new RateWindow();
  #draw: () => number;

  constructor(seed: number) {
    this.#draw = seededDraws(seed);
  }

  reseed(seed: number): void {
    this.#draw = seededDraws(seed);
  }

  clear(seed: number): void {
    this.#window.clear();
    this.reseed(seed);
  }

  /** The fault of a request before it is read: the rate limit, then a drop, then an error. */
  before(modes: SandboxModes, now: number): Answer | typeof DROP | undefined {
    if (!this.#window.admit(now, modes.rateLimit)) return tooMany(modes.rateLimit?.retryAfter ?? null);
    if (this.#happens(modes.dropRate)) return DROP;
    if (this.#happens(modes.errorRate)) return injectedError(modes);
    return undefined;
  }

  /** Whether the answer to a request with an effect gets lost. */
  losesAnswer(modes: SandboxModes): boolean {
    return this.#happens(modes.commitThenDropRate);
  }

  latencyMs({ latencyMs }: SandboxModes): number {
    if (typeof latencyMs === 'number') return latencyMs;
    const [min, max] = latencyMs;
    return min + this.#draw() * (max - min);
  }

  /** A mode that is off draws nothing, so switching it on does not shift the other draws. */
  #happens(rate: number): boolean {
    return rate > 0 && this.#draw() < rate;
  }
}

function tooMany(retryAfter: number | string | null): Answer {
  return retryAfter === null ? failure(429) : { ...failure(429), retryAfter: String(retryAfter) };
}

function injectedError({ errorBody, errorStatus }: SandboxModes): Answer {
  switch (errorBody) {
    case 'json':
      return failure(errorStatus);
    case 'html':
      return htmlError(errorStatus);
    case 'empty':
      return emptyError(errorStatus);
    default:
      return errorBody satisfies never;
  }
}

/** Mulberry32: 32 bits of state, good enough for faults, and the same on every machine. */
function seededDraws(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
