/** The likely mends where packets are rewritten (NAT): such a server needs no tunnel, but a way back to the director. */
import { formatEndpoint } from '../../values/inet.js';
import type { Subject } from './subject.js';

/** Whom the server takes for its clients. */
const clientsOf = ({ forwarding }: Subject) => (forwarding === 'snat' ? "full NAT's addresses" : 'clients');

const portOf = ({ serverPort }: Subject) => (serverPort === 0 ? 'every port of the service' : `port ${serverPort}`);

/** The server's host answers, but nothing comes back through the director. */
export function mendReplies(subject: Subject): string {
  const { forwarding, virtualAddress } = subject;
  const way =
    forwarding === 'snat'
      ? "let the server's network route full NAT's addresses to this director"
      : `let the server's default route, or its routes to its clients and to ${virtualAddress}, lead to this director`;
  return (
    `Replies have to come back through the director: ${way}, and let the server's firewall accept ` +
    `packets from ${clientsOf(subject)} to ${portOf(subject)}.`
  );
}

/** The server's host, or a firewall, refuses what comes to the port. */
export function mendPort(subject: Subject, firewallAt = subject.address): string {
  const { address, serverPort } = subject;
  const listening = serverPort === 0 ? address : formatEndpoint({ address, port: serverPort });
  return `Let the program listen on ${listening}, and the firewall at ${firewallAt} accept packets from ${clientsOf(subject)} to it.`;
}
