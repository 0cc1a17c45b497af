/** The transport protocols that a virtual service can have, by name and by IP protocol number. */

/** The values of {@link Protocol}. */
export const protocols = ['tcp', 'udp', 'sctp'] as const;

/** The transport protocol of a virtual service. */
export type Protocol = (typeof protocols)[number];

/** A transport protocol, or 'ip', which stands for any of them in what belongs to a firewall mark. */
export type AnyProtocol = Protocol | 'ip';

const NUMBERS: Readonly<Record<Protocol, number>> = { tcp: 6, udp: 17, sctp: 132 };

export function protocolNumber(protocol: Protocol): number {
  return NUMBERS[protocol];
}

/** REQUIRES: the number of one of `protocols`, or 0. */
export function protocolName(number: number): AnyProtocol {
  if (number === 0) return 'ip';
  const name = protocols.find((protocol) => NUMBERS[protocol] === number);
  if (name === undefined) throw new RangeError(`IP protocol ${number} has no name in tunvs`);
  return name;
}
