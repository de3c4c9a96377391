import { createPublicKey } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { type Receipt, signReceipt } from '../../src/contract/receipt.ts';
import { linesOf, newKey, receiptsOf } from './deletions.ts';
import { key, publicKeys, verdictOn } from './verdict.ts';

describe('a signature', () => {
  const receipts = receiptsOf(4, ['default'], key);

  it('of a key that was not given breaks the chain', async () => {
    const stranger = newKey();
    const { broken } = await verdictOn(linesOf(receiptsOf(2, ['default'], stranger)));
    expect(broken).toMatchObject({
      line: 1,
      sequence: 1,
      fault: `is signed with key ${stranger.keyId}, which is not among the given keys`,
    });
  });

  it('of another key under the name of ours breaks the chain', async () => {
    const forger = { ...newKey(), keyId: key.keyId };
    const { broken } = await verdictOn(linesOf(receiptsOf(2, ['default'], forger)));
    expect(broken).toMatchObject({ line: 1, fault: `the signature is not of key ${key.keyId}` });
  });

  it('of any of several keys will do, as keys are replaced', async () => {
    const newer = newKey();
    const [first, second] = receipts;
    const { hash: _h, signature: _s, keyId: _k, ...statement } = second as Receipt;
    const lines = linesOf([first, signReceipt(statement, newer)]);
    const both = new Map([...publicKeys, [newer.keyId, createPublicKey(newer.privateKey)]]);
    expect((await verdictOn(lines, { publicKeys: both })).broken).toBeUndefined();
    expect((await verdictOn(lines)).broken).toMatchObject({ line: 2 });
  });

  it('may be missing only where that is allowed', async () => {
    const lines = linesOf(receiptsOf(2, ['default']));
    expect((await verdictOn(lines)).broken).toMatchObject({ line: 1, fault: 'is not signed' });
    const verdict = await verdictOn(lines, { allowsUnsigned: true });
    expect(verdict).toMatchObject({ receipts: 2, unsigned: 2 });
    expect(verdict).not.toHaveProperty('broken');
  });

  it('cannot be taken off and leave its key behind', async () => {
    const { signature: _, ...receipt } = receipts[0] as Receipt;
    const { broken } = await verdictOn(linesOf([receipt]), { allowsUnsigned: true });
    expect(broken).toMatchObject({ line: 1, fault: 'names a key but has no signature' });
  });

  it('cannot stand without the name of its key', async () => {
    const { signature } = receipts[0] as Receipt;
    const [unsigned] = receiptsOf(1, ['default']);
    const { broken } = await verdictOn(linesOf([{ ...unsigned, signature }]), { allowsUnsigned: true });
    expect(broken).toMatchObject({ line: 1, fault: 'has a signature but names no key' });
  });
});
