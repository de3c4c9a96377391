/**
 * Access to the dashboard: basic authentication as the viewer or the operator, and a limit on guesses. Stores neither the passwords nor
 * the attempts.
 */
import { createHash, timingSafeEqual } from 'node:crypto';

export interface Access {
  /** `refused`: a missing or wrong user and password. `limited`: too many wrong attempts from this address; none is checked. */
  decision(authorization: string | undefined, from: string): Decision;
}

/** Who asks: a viewer looks, an operator acts too. */
export interface Account {
  name: string;
  role: 'viewer' | 'operator';
}

export type Decision =
  { is: 'granted'; account: Account } | { is: 'refused' } | { is: 'limited'; retryAfterS: number };

export interface AccessOptions {
  viewer?: UserPassword | undefined;
  operator?: UserPassword | undefined;
  /** Called when an address reaches its limit. */
  onLimited?: () => void;
  /** Epoch milliseconds. */
  now?: () => number;
}

interface UserPassword {
  user: string;
  password: string;
}

/** Number of wrong attempts an address has at once, and per minute from then on. */
const MOST_WRONG = 10;
const WRONG_AGAIN_MS = 60_000 / MOST_WRONG;
/** Beyond this number the oldest address is dropped: an attacker with so many is not stopped by this anyway. */
const MOST_ADDRESSES = 10_000;

export function createAccess({
  viewer,
  operator,
  onLimited = () => {},
  now = Date.now,
}: AccessOptions): Access {
  const known = [...accountsOf('viewer', viewer), ...accountsOf('operator', operator)];
  /** By address: when it will have all its attempts again. */
  const wrongUntil = new Map<string, number>();

  return {
    decision(authorization, from) {
      const credentials = basicIn(authorization);
      if (credentials === undefined) return { is: 'refused' };
      const address = networkOf(from);
      const until = Math.max(now(), wrongUntil.get(address) ?? 0);
      const spentMs = until - now();
      if (spentMs > (MOST_WRONG - 1) * WRONG_AGAIN_MS) {
        const waitMs = spentMs - (MOST_WRONG - 1) * WRONG_AGAIN_MS;
        return { is: 'limited', retryAfterS: Math.ceil(waitMs / 1000) };
      }
      // Compares digests, all of them: they have equal length, and neither a partial match nor which one matches shows in the time.
      const digest = digestOf(credentials);
      const [match] = known.filter(({ right }) => timingSafeEqual(digest, right));
      if (match !== undefined) return { is: 'granted', account: match.account };
      remember(address, until + WRONG_AGAIN_MS);
      if (spentMs + WRONG_AGAIN_MS > (MOST_WRONG - 1) * WRONG_AGAIN_MS) onLimited();
      return { is: 'refused' };
    },
  };

  function remember(address: string, until: number): void {
    wrongUntil.delete(address);
    wrongUntil.set(address, until);
    const [oldest] = wrongUntil.keys();
    if (wrongUntil.size > MOST_ADDRESSES && oldest !== undefined) wrongUntil.delete(oldest);
  }
}

function accountsOf(role: Account['role'], pair: UserPassword | undefined) {
  if (pair === undefined) return [];
  const { user, password } = pair;
  return [{ account: { name: user, role }, right: digestOf(`${user}:${password}`) }];
}

/** `user:password`, as a browser sends it. */
function basicIn(authorization: string | undefined): string | undefined {
  const encoded = /^basic +(?<token>[A-Za-z0-9+/_-]+={0,2})$/i.exec(authorization ?? '')?.groups?.['token'];
  return encoded === undefined ? undefined : Buffer.from(encoded, 'base64').toString('utf8');
}

function digestOf(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

/** For IPv6 the network: each host has a practically unlimited number of addresses. */
function networkOf(address: string): string {
  if (address.startsWith('::ffff:') || !address.includes(':')) return address.replace('::ffff:', '');
  const [head = [], tail = []] = address.split('::').map((part) => (part === '' ? [] : part.split(':')));
  const zeros = Array.from({ length: Math.max(0, 8 - head.length - tail.length) }, () => '0');
  return [...head, ...zeros, ...tail].slice(0, 4).join(':');
}
