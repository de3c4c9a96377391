/**
 * Where the processes that tests start keep what they have compiled: each of them starts in half the time. It outlives a run, as
 * Node looks whether it still fits.
 */
import { join } from 'node:path';

export const COMPILE_CACHE = {
  NODE_COMPILE_CACHE: join(import.meta.dirname, '../../.data/compile-cache'),
} as const;
