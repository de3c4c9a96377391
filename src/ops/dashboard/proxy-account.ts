/**
 * The account that an authenticating reverse proxy names in its headers. They are believed only from the proxy's own addresses.
 */
import { type BlockList, isIP } from 'node:net';
import type { Account } from './access.ts';

export interface ProxyOptions {
  addresses: BlockList;
  userHeader: string;
  groupsHeader: string;
  operatorGroup?: string | undefined;
}

/** A name that repeats no header, and is short enough for the audit log. */
const NAME = /^[^\p{C},]{1,200}$/u;

/**
 * Undefined if the request is not from the proxy, or the proxy names no account.
 * @param from the address of the peer.
 */
export function proxyAccount(
  { addresses, userHeader, groupsHeader, operatorGroup }: ProxyOptions,
  header: (name: string) => string | undefined,
  from: string,
): Account | undefined {
  // A link-local address has its interface behind it.
  const [address = ''] = from.split('%');
  const family = isIP(address);
  if (family === 0 || !addresses.check(address, family === 6 ? 'ipv6' : 'ipv4')) return undefined;
  const name = header(userHeader)?.trim() ?? '';
  // A comma: a client has sent the header too, and the proxy has not removed it.
  if (!NAME.test(name)) return undefined;
  const groups = (header(groupsHeader) ?? '').split(',').map((group) => group.trim());
  const isOperator = operatorGroup !== undefined && groups.includes(operatorGroup);
  return { name, role: isOperator ? 'operator' : 'viewer' };
}
