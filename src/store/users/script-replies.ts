/**
 * The replies of the scripts on user records.
 */
import { z } from 'zod';
import type { CircuitName } from '../../lifecycle/ports/circuits.ts';

const Texts = z.array(z.string());

/** Jobs to promote, each as `<name of the user that is locked for it, or nothing> <job id>`. */
export const Promotions = Texts;

/** Of begin.lua; the most frequent first, as a union tries one after another. */
export const BeginReply = z.union([
  z.tuple([z.literal('locked'), z.string(), Texts, z.string(), Promotions]),
  z.tuple([z.literal('lost')]),
  z.tuple([z.literal('open-circuits')]),
  z.tuple([z.literal('unpublished'), z.string(), z.string()]),
  z.tuple([z.literal('settled'), z.string(), Texts]),
  z.tuple([z.literal('blocked'), z.string(), z.string(), Promotions]),
  z.tuple([z.literal('held'), z.custom<CircuitName>((value) => typeof value === 'string'), Promotions]),
]);

export type BeginReply = z.infer<typeof BeginReply>;

/** Of settle.lua. */
export const SettleReply = z.union([
  z.tuple([z.literal('ok'), Promotions, Texts, z.string(), z.string(), z.string()]),
  z.tuple([z.literal('lost')]).rest(z.unknown()),
  z.tuple([z.literal('settled'), z.string(), Texts]),
]);

/** Of lock-client-id.lua. */
export const LockClientIdReply = z.union([
  z.tuple([z.enum(['lost', 'blocked'])]),
  z.tuple([z.literal('locked'), z.string(), Texts, z.number()]),
]);

/** Of extend.lua. */
export const ExtendReply = z.array(z.number());

/** A flat list of fields and values from Redis as an object. */
export function pairsOf(flat: readonly string[]): Record<string, string> {
  const pairs: Record<string, string> = {};
  for (let at = 0; at < flat.length; at += 2) pairs[flat[at] ?? ''] = flat[at + 1] ?? '';
  return pairs;
}
