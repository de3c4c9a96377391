import { describe, expect, it } from 'vitest';
import type { Receipt } from '../../src/contract/receipt.ts';
import { createChains } from '../../src/receipts/chains.ts';
import { receiptsOf } from './deletions.ts';

describe('the chains', () => {
  it('know the last ten thousand receipts again, and of older ones that they are late', () => {
    const receipts = receiptsOf(10_001, ['default']);
    const chains = createChains({ isComplete: true });
    for (const receipt of receipts) expect(chains.follow(receipt)).toBe('new');
    expect(chains.follow(receipts[1] as Receipt)).toBe('duplicate');
    expect(chains.follow(receipts[0] as Receipt)).toEqual({ fault: 'comes after sequence 10001' });
  });
});
