/** The transport protocols that a virtual service can have, by name and by IP protocol number. */

export const protocols = ['tcp', 'udp', 'sctp'] as const;

export type Protocol = (typeof protocols)[number];

const NUMBERS: Readonly<Record<Protocol, number>> = { tcp: 6, udp: 17, sctp: 132 };

export function protocolNumber(protocol: Protocol): number {
  return NUMBERS[protocol];
}

/** REQUIRES: the number of one of `protocols`. */
export function protocolName(number: number): Protocol {
  const name = protocols.find((protocol) => NUMBERS[protocol] === number);
  if (name === undefined) throw new RangeError(`IP protocol ${number} has no name in tunvs`);
  return name;
}
