import { isIP } from 'node:net';
import { DarkroomError } from '../contracts/errors.ts';
import { checkAddresses, type AddressCheck } from './addresses.ts';
import type { Config } from '../contracts/config.ts';
import { resolveByDns, type Resolve } from './resolve.ts';

export interface GuardOptions {
  /** Hosts that may be asked; `*.example.org` stands for those below it. Empty: every public host. `none` alone: no host. */
  readonly hosts: readonly string[];
  /** Address ranges (CIDR) that may be reached besides the public ones. */
  readonly ranges: readonly string[];
  readonly resolve: Resolve;
}

export interface FoundAddress {
  readonly address: string;
  readonly family: 4 | 6;
}

export const openGuard = ({ OUTGOING_HOSTS, OUTGOING_RANGES }: Config): OutgoingGuard =>
  new OutgoingGuard({ hosts: OUTGOING_HOSTS, ranges: OUTGOING_RANGES, resolve: resolveByDns });

/** Ports below this belong to other protocols (mail, SSH, …), but for those of the web. */
const FIRST_FREE_PORT = 1024;
const WEB_PORTS = new Set(['', '80', '443']);
const LONGEST_URL = 2048;

/** Decides which addresses this server asks on behalf of others. It never connects itself. */
export class OutgoingGuard {
  readonly #hosts: readonly string[];
  readonly #isAllowed: AddressCheck;
  readonly #resolve: Resolve;

  constructor({ hosts, ranges, resolve }: GuardOptions) {
    this.#hosts = hosts.map((host) => host.toLowerCase());
    this.#isAllowed = checkAddresses(ranges);
    this.#resolve = resolve;
  }

  /**
   * What can be said of a URL without asking anybody. Ways to write an address that are not the usual one (`0x7f000001`) are
   * seen through: the parser is the one the request is made with.
   * @throws DarkroomError `url_not_allowed`.
   */
  checkUrl(given: string): URL {
    const url = given.length <= LONGEST_URL && URL.canParse(given) ? new URL(given) : undefined;
    if (!url) throw notAllowed(`It is no URL of at most ${LONGEST_URL} characters.`);
    if (url.protocol !== 'http:' && url.protocol !== 'https:') throw notAllowed('Only http and https are used.');
    if (url.username !== '' || url.password !== '') throw notAllowed('It carries a name or password.');
    if (!WEB_PORTS.has(url.port) && Number(url.port) < FIRST_FREE_PORT)
      throw notAllowed('Its port is not one of the web.');
    const host = hostOf(url);
    if (!this.#isListed(host)) throw notAllowed('Its host is not among those that this server asks (OUTGOING_HOSTS).');
    if (isIP(host) !== 0 && !this.#isAllowed(host)) throw notAllowed(NOT_PUBLIC);
    if (isLocalName(host) && !this.#isAllowed('127.0.0.1')) throw notAllowed(NOT_PUBLIC);
    return url;
  }

  /**
   * The addresses to connect to, now: one that is not allowed condemns the name, since the next answer may be that one alone.
   * @throws DarkroomError `url_not_allowed`, or `address_unreachable` for a name that has none.
   */
  async addressesOf(url: URL, signal: AbortSignal): Promise<readonly FoundAddress[]> {
    const host = hostOf(url);
    const written = isIP(host);
    if (written !== 0) return [{ address: host, family: written === 4 ? 4 : 6 }]; // `checkUrl` has looked at it
    const found = await this.#resolve(isLocalName(host) ? 'localhost' : host, signal);
    if (found.length === 0) throw new DarkroomError('address_unreachable', `The host of the URL is not known.`);
    if (!found.every((address) => this.#isAllowed(address))) throw notAllowed(NOT_PUBLIC);
    return found.map((address) => ({ address, family: isIP(address) === 6 ? 6 : 4 }));
  }

  /** Both, for whoever takes a URL in to use it later; a name that is not known yet may be known then. */
  async inspect(given: string, signal: AbortSignal): Promise<URL> {
    const url = this.checkUrl(given);
    try {
      await this.addressesOf(url, signal);
    } catch (error) {
      if (!(error instanceof DarkroomError) || error.code !== 'address_unreachable') throw error;
    }
    return url;
  }

  #isListed(host: string): boolean {
    if (this.#hosts.length === 0) return true;
    return this.#hosts.some((listed) =>
      listed.startsWith('*.') ? host.endsWith(listed.slice(1)) && host.length >= listed.length : host === listed,
    );
  }
}

const NOT_PUBLIC = 'Its host is not on the public internet.';

export const notAllowed = (why: string): DarkroomError =>
  new DarkroomError('url_not_allowed', `This URL is not used. ${why}`);

/** Without the brackets of IPv6 and the dot that may end a name. */
const hostOf = ({ hostname }: URL): string => hostname.replace(/^\[|\]$/g, '').replace(/\.$/, '');

/** Names that mean this machine whatever a name server says (RFC 6761). */
const isLocalName = (host: string): boolean => host === 'localhost' || host.endsWith('.localhost');
