/**
 * Keeps the last receipt of each instance in Redis; a settlement moves it on in its own step. Knows no receipt but by its
 * number and its hash.
 */
import type { Queue } from 'bullmq';
import { GENESIS } from '../../contract/receipt.ts';
import type { ChainHead } from '../../worker/receipt.ts';

/** The key under which the head of an instance's chain lies. */
export function chainKey(prefix: string, instance: string): string {
  return `${prefix}:receipts:${instance}`;
}

/** Reads the head of a chain; before the first receipt it is {@link GENESIS}. */
export function createChainReader(prefix: string, jobs: Queue): (instance: string) => Promise<ChainHead> {
  return async (instance) => {
    const client = await jobs.getBackend().client;
    const { sequence, hash } = await client.hgetall(chainKey(prefix, instance));
    return { sequence: Number(sequence ?? 0), hash: hash ?? GENESIS };
  };
}
