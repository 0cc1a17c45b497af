/** Makes the packets that clients send, for the examples that need no network. It is not a program of its own. */

/** A TCP SYN from `client` (`ADDRESS:PORT`) to 10.9.9.9:80. */
export function syn(client: string): Uint8Array {
  const [address = '', port] = client.split(':');
  const packet = Buffer.alloc(40);
  packet.writeUInt16BE(0x4500, 0);
  packet.writeUInt16BE(packet.length, 2);
  packet.writeUInt16BE(0x4000, 6);
  packet.writeUInt16BE((64 << 8) | 6, 8);
  packet.set(address.split('.').map(Number), 12);
  packet.set([10, 9, 9, 9], 16);
  packet.writeUInt16BE(Number(port), 20);
  packet.writeUInt16BE(80, 22);
  packet.writeUInt16BE(0x5002, 32);
  packet.writeUInt16BE(checksum(packet.subarray(0, 20)), 10);
  return packet;
}

/** The real server that a tunnel packet goes to. */
export function destination(packet: Uint8Array): string {
  return packet.subarray(16, 20).join('.');
}

/** RFC 1071 */
function checksum(header: Buffer): number {
  let sum = 0;
  for (let offset = 0; offset < header.length; offset += 2) sum += header.readUInt16BE(offset);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  return ~sum & 0xffff;
}
