/**
 * Reads who may see the dashboard and who may act on it: by user and password, or by the headers of an authenticating proxy.
 */
import { BlockList, isIP } from 'node:net';
import type { Environment } from './environment.ts';

export interface UserPassword {
  user: string;
  password: string;
}

/** A reverse proxy that logs people in. */
export interface DashboardProxy {
  /** Its addresses: the headers of any other are ignored. */
  addresses: BlockList;
  /** The header with the name of the account. */
  userHeader: string;
  /** The header with the account's groups, separated by commas. */
  groupsHeader: string;
  /** The group whose members may act. Default: no account may. */
  operatorGroup?: string | undefined;
}

export interface DashboardAccess {
  viewer?: UserPassword | undefined;
  operator?: UserPassword | undefined;
  proxy?: DashboardProxy | undefined;
}

/** Variables that must be set together. */
export const DASHBOARD_PAIRS = [
  ['DASHBOARD_USER', 'DASHBOARD_PASSWORD'],
  ['DASHBOARD_OPERATOR_USER', 'DASHBOARD_OPERATOR_PASSWORD'],
] as const;

/** Variables without an effect unless another is set. */
const NEEDS = [
  ['DASHBOARD_OPERATOR_USER', 'DASHBOARD_USER'],
  ['DASHBOARD_PROXY_USER_HEADER', 'DASHBOARD_PROXY_ADDRESSES'],
  ['DASHBOARD_PROXY_GROUPS_HEADER', 'DASHBOARD_PROXY_ADDRESSES'],
  ['DASHBOARD_PROXY_OPERATOR_GROUP', 'DASHBOARD_PROXY_ADDRESSES'],
] as const;

/** Contradictions between variables that are valid by themselves. */
export function dashboardFaults(set: Readonly<Record<string, string>>): string[] {
  const faults = NEEDS.flatMap(([one, other]) =>
    one in set && !(other in set) ? [`${other}: is required together with ${one}`] : [],
  );
  const viewer = set['DASHBOARD_USER'];
  if (viewer !== undefined && viewer === set['DASHBOARD_OPERATOR_USER'])
    faults.push('DASHBOARD_OPERATOR_USER: must not be DASHBOARD_USER, who only looks');
  return faults;
}

/** Undefined if no account may see the dashboard: then there is none. */
export function dashboardOf(values: Environment): DashboardAccess | undefined {
  const viewer = pairOf(values.DASHBOARD_USER, values.DASHBOARD_PASSWORD);
  const operator = pairOf(values.DASHBOARD_OPERATOR_USER, values.DASHBOARD_OPERATOR_PASSWORD);
  const { DASHBOARD_PROXY_ADDRESSES: addresses } = values;
  const proxy = addresses && {
    addresses,
    userHeader: values.DASHBOARD_PROXY_USER_HEADER,
    groupsHeader: values.DASHBOARD_PROXY_GROUPS_HEADER,
    operatorGroup: values.DASHBOARD_PROXY_OPERATOR_GROUP,
  };
  return viewer === undefined && proxy === undefined ? undefined : { viewer, operator, proxy };
}

function pairOf(user: string | undefined, password: string | undefined): UserPassword | undefined {
  return user === undefined || password === undefined ? undefined : { user, password };
}

/** Undefined if one of them is no address and no network, or a network of everyone. */
export function addressesIn(items: readonly string[]): BlockList | undefined {
  const addresses = new BlockList();
  for (const item of items) {
    const [address = '', bits, ...rest] = item.split('/');
    const family = isIP(address);
    const kind = family === 6 ? 'ipv6' : 'ipv4';
    if (family === 0 || rest.length > 0) return undefined;
    if (bits === undefined) addresses.addAddress(address, kind);
    else if (!/^\d{1,3}$/.test(bits) || Number(bits) < 1 || Number(bits) > (family === 6 ? 128 : 32))
      return undefined;
    else addresses.addSubnet(address, Number(bits), kind);
  }
  return addresses;
}
