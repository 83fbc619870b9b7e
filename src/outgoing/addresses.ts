import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';

type Address = ReturnType<typeof ipaddr.parse>;
type Range = ReturnType<typeof ipaddr.parseCIDR>;

/** Whether an address may be connected to; `address` is an IPv4 or IPv6 address in its usual form. */
export type AddressCheck = (address: string) => boolean;

/** All of the IPv6 internet. What is not in it, such as IPv4-compatible `::10.0.0.1`, has no business on a wire. */
const GLOBAL_UNICAST = ipaddr.parseCIDR('2000::/3');

/**
 * Public by its number and private by what answers: Azure's virtual machines reach the host's own services there, keys of the
 * machine among them.
 */
const HOST_SERVICES = '168.63.129.16';

/**
 * Public addresses pass, and those in `ranges` (CIDR). IPv4 that is mapped into IPv6 is looked at as IPv4; the other ways to
 * write one address inside another are refused as a whole: where they lead is decided by a router, not by us.
 */
export function checkAddresses(ranges: readonly string[]): AddressCheck {
  const allowed = ranges.map((range) => ipaddr.parseCIDR(range));
  return (address) => {
    if (isIP(address) === 0) return false; // the library takes `10.1` and the like for addresses
    const parsed = ipaddr.process(address);
    return isPublic(parsed) || allowed.some((range) => isIn(parsed, range));
  };
}

function isPublic(address: Address): boolean {
  if (address.range() !== 'unicast' || address.toString() === HOST_SERVICES) return false;
  return address.kind() === 'ipv4' || isIn(address, GLOBAL_UNICAST);
}

const isIn = (address: Address, range: Range): boolean => address.kind() === range[0].kind() && address.match(range);
