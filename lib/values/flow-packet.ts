/** Builds the shortest packet that a flow can begin with from what tells flows apart. */
import { addressBytes, addressFamily } from './inet.js';
import { addressOption, checkedOptions, choiceOption, integerOption, refuse } from './options.js';
import { type Protocol, protocolNumber, protocols } from './protocol.js';

/** A packet by the fields that matter to a director. */
export interface ExplainedFlow {
  /** The transport protocol. */
  protocol: Protocol;
  /** The client's address (CIP). */
  clientAddress: string;
  /** The client's port, [0, 65535]. */
  clientPort: number;
  /** The virtual address (VIP), of the same family as the client's. */
  virtualAddress: string;
  /** The virtual port, [0, 65535]. */
  virtualPort: number;
  /** The TCP flags, as letters of S, A, F, R and P. The default is 'S', a SYN. Other protocols have none. */
  flags?: string;
}

const FLAGS: Readonly<Record<string, number>> = { F: 0x01, S: 0x02, R: 0x04, P: 0x08, A: 0x10 };
const TRANSPORT_BYTES = { tcp: 20, udp: 8, sctp: 32 } as const satisfies Record<Protocol, number>;
const SCTP_INIT = 1;

/** Builds the shortest packet that matches the flow. */
export function packetOf(call: string, given: ExplainedFlow): Uint8Array {
  const names = ['protocol', 'clientAddress', 'clientPort', 'virtualAddress', 'virtualPort', 'flags'] as const;
  const flow = checkedOptions(call, given, names);
  const protocol = choiceOption(`${call}: protocol`, flow.protocol, protocols);
  const from = addressOption(`${call}: clientAddress`, flow.clientAddress);
  const to = addressOption(`${call}: virtualAddress`, flow.virtualAddress);
  const ports = [
    integerOption(`${call}: clientPort`, flow.clientPort, 0, 65535),
    integerOption(`${call}: virtualPort`, flow.virtualPort, 0, 65535),
  ];
  if (addressFamily(from) !== addressFamily(to))
    refuse(`${call}: virtualAddress`, to, `an address of the client's family, IPv${addressFamily(from)}`);
  if (flow.flags !== undefined && protocol !== 'tcp') refuse(`${call}: flags`, flow.flags, `none with ${protocol}`);
  const flags = flow.flags ?? 'S';
  if (typeof flags !== 'string' || !/^[SAFRP]*$/.test(flags))
    refuse(`${call}: flags`, flags, "letters of S, A, F, R and P, such as 'SA'");

  const transport = Buffer.alloc(TRANSPORT_BYTES[protocol]);
  ports.forEach((port, index) => {
    transport.writeUInt16BE(port, index * 2);
  });
  if (protocol === 'tcp') {
    transport[12] = 0x50;
    transport[13] = [...flags].reduce((bits, letter) => bits | (FLAGS[letter] ?? 0), 0);
  } else if (protocol === 'sctp') {
    transport[12] = SCTP_INIT;
    transport.writeUInt16BE(20, 14);
  } else {
    transport.writeUInt16BE(transport.length, 4);
  }
  const header =
    addressFamily(from) === 4
      ? header4(protocol, from, to, transport.length)
      : header6(protocol, from, to, transport.length);
  return Buffer.concat([header, transport]);
}

function header4(protocol: Protocol, from: string, to: string, bytes: number): Buffer {
  const header = Buffer.alloc(20);
  header[0] = 0x45;
  header.writeUInt16BE(20 + bytes, 2);
  header[8] = 64;
  header[9] = protocolNumber(protocol);
  header.set(addressBytes(from) ?? [], 12);
  header.set(addressBytes(to) ?? [], 16);
  let sum = 0;
  for (let at = 0; at < 20; at += 2) sum += header.readUInt16BE(at);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  header.writeUInt16BE(~sum & 0xffff, 10);
  return header;
}

function header6(protocol: Protocol, from: string, to: string, bytes: number): Buffer {
  const header = Buffer.alloc(40);
  header[0] = 0x60;
  header.writeUInt16BE(bytes, 4);
  header[6] = protocolNumber(protocol);
  header[7] = 64;
  header.set(addressBytes(from) ?? [], 8);
  header.set(addressBytes(to) ?? [], 24);
  return header;
}
