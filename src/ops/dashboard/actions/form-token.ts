/**
 * The tokens of forms: only a page that we made for this account has one, and only for what it contains. Valid on any worker.
 */
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type { Account } from '../access.ts';

export interface FormTokens {
  /** @param content what the form is bound to. */
  issue(account: Account, content: string, lastsMs: number): Promise<FormToken>;
  check(token: string, account: Account, content: string): Promise<TokenCheck>;
}

export interface FormToken {
  /** Used once in all. */
  id: string;
  text: string;
}

export type TokenCheck = { is: 'valid' | 'expired'; id: string } | { is: 'forged' };

export interface FormTokenOptions {
  /** The same for all workers. */
  key: () => Promise<string>;
  /** Epoch milliseconds. */
  now?: () => number;
}

const TOKEN = /^(?<id>[\w-]{22})\.(?<until>\d{1,15})\.(?<mac>[\w-]{43})$/;

export function isFormId(text: string): boolean {
  return /^[\w-]{22}$/.test(text);
}

export function createFormTokens({ key, now = Date.now }: FormTokenOptions): FormTokens {
  const macOf = async (id: string, until: number, { role, name }: Account, content: string) =>
    createHmac('sha256', await key())
      .update(JSON.stringify([id, until, role, name, content]))
      .digest();
  return {
    async issue(account, content, lastsMs) {
      const id = randomBytes(16).toString('base64url');
      const until = now() + lastsMs;
      const mac = await macOf(id, until, account, content);
      return { id, text: `${id}.${until}.${mac.toString('base64url')}` };
    },
    async check(token, account, content) {
      const { id, until: untilText, mac } = TOKEN.exec(token)?.groups ?? {};
      if (id === undefined || mac === undefined) return { is: 'forged' };
      const until = Number(untilText);
      const right = await macOf(id, until, account, content);
      if (!timingSafeEqual(Buffer.from(mac, 'base64url'), right)) return { is: 'forged' };
      return { is: until < now() ? 'expired' : 'valid', id };
    },
  };
}
