/** The recordings of masquerading, and where our director differs from them on purpose. */
import type { OfflineOptions } from '../../lib/director/open-options.js';
import type { Opened } from './golden-nat.js';

/** A recording, or the cases of one that a director of its own runs. */
export interface NatRun {
  title: string;
  file: string;
  options: Partial<OfflineOptions>;
  /** The connections that were opened before a case, without being recorded. */
  opened: readonly Opened[];
  /** Says why a case is not sent; undefined when it is. */
  leftOut(name: string): string | undefined;
  /** What became of a case instead, by its name; docs/differences.md has the reasons. */
  different: Readonly<Record<string, RegExp>>;
  /** From this case on the counts differ, since IPVS expects a connection of somebody else's. */
  countsUntil?: string;
}

const opened = (before: string, clientPort: number, server = '10.0.0.11:8080', virtualPort = 80): Opened => ({
  before,
  protocol: server.endsWith('5353') ? 'udp' : 'tcp',
  clientPort,
  virtualPort,
  server,
});

const everything = () => undefined;
const FROM_THE_SERVER = '10.0.0.11:5353';
const NARROW_TO_SERVER = /^route to the server mtu 1400, (client: (tcp|udp) |client: first SYN)|^pmtu_disc=0, client/;
const NARROW_TO_CLIENT = /^route to the client mtu 1400, server: (.* df 1$|icmp error)/;

/** IPVS lets pass what it has no connection for; so does this director when it is told to. */
const AS_IPVS = { unmatchedReplies: 'pass' } as const;
const FROM_MIDDLE = /^dropUnmatchedReply$/;
const TOO_SHORT = /^dropShortTransport$/;

export const natRuns: readonly NatRun[] = [
  {
    title: 'TCP',
    file: 'nat-tcp.json',
    options: AS_IPVS,
    opened: [
      opened('odd length from the client', 20002),
      opened('client port of a live connection, to the real server itself', 20004),
      opened('same client port, second service with the same server', 20005),
      opened('ipvsadm -e -t 192.168.50.100:80 -r 10.0.0.11:8080 -i', 20006, '10.0.0.12:82', 82),
    ],
    leftOut: (name) => {
      if (/ip option (record-route|timestamp)$/.test(name))
        return "the router writes into the option, and ours is the host's";
      return name.startsWith('real server is the director itself') ? "the director's host answers for it" : undefined;
    },
    different: {
      'server: tcp cut to 0 bytes': TOO_SHORT,
      'its answer goes to itself': /^dropBadSource$/,
    },
  },
  {
    title: 'ICMP',
    file: 'nat-icmp.json',
    options: AS_IPVS,
    opened: [
      opened('client side: port unreachable from the host, 8 bytes', 20001),
      opened('client side: port unreachable from the host, 8 bytes', 4300, FROM_THE_SERVER, 53),
    ],
    leftOut: everything,
    different: {
      'client side: in two fragments': /^dropFragment\ndropFragment$/,
      'server side: parameter problem': /^icmp 12\/0 192\.168\.50\.100 > .*ports 20001 > 80 .*relayedIcmp$/s,
      'server side: redirect': /^dropIcmp$/,
    },
  },
  {
    title: 'paths of 1500 bytes',
    file: 'nat-size.json',
    options: AS_IPVS,
    opened: [opened('client: tcp 1499 df', 20001), opened('at the end', 20002)],
    leftOut: (name) => {
      if (NARROW_TO_SERVER.test(name)) return 'the next run has them';
      return NARROW_TO_CLIENT.test(name) ? 'the host finds it too long for its route' : undefined;
    },
    different: {},
  },
  {
    title: 'a path of 1400 bytes to the server',
    file: 'nat-size.json',
    options: { ...AS_IPVS, pathMtu: 1400 },
    opened: [opened('client: tcp 1499 df', 20001)],
    leftOut: (name) => (NARROW_TO_SERVER.test(name) || name === 'open udp' ? undefined : 'the last run has them'),
    different: {},
  },
  {
    title: 'SCTP',
    file: 'nat-sctp.json',
    options: AS_IPVS,
    opened: [],
    leftOut: everything,
    different: {
      'INIT with a bad checksum': /^sctp .*ports 5009 > 9009 .*forwarded$/s,
      'INIT_ACK with a bad checksum': /^sctp .*ports 9 > 5009 .*returned$/s,
      'client: no chunk': TOO_SHORT,
    },
  },
  {
    title: 'FTP',
    file: 'nat-ftp.json',
    options: AS_IPVS,
    opened: [],
    leftOut: everything,
    different: {
      // IPVS shows the client the real server's address when the segment comes again, and its later numbers are off.
      "passive: server PA '227 Entering Passive Mode (10,0,0,11,195,80).\\r\\n'": / DF 92 bytes\nreturned$/,
      "passive: client A ''": /ports 20001 > 21 .*\nforwarded$/,
      "passive: client PA 'RETR x\\r\\n'": /ports 20001 > 21 .*\nforwarded$/,
    },
    countsUntil: "active: client PA 'PORT 192,168,1,1,195,91\\r\\n'",
  },
  { title: 'states', file: 'nat-states.json', options: AS_IPVS, opened: [], leftOut: everything, different: {} },
  {
    title: 'packets of no connection',
    file: 'nat-unknown.json',
    options: AS_IPVS,
    opened: [
      opened('nat_icmp_send=0: right server, wrong client port', 20009),
      opened('nat_icmp_send=1: right server, wrong client port', 20018),
      opened('sleep 6', 20019),
    ],
    leftOut: everything,
    different: {
      'nat_icmp_send=0: tcp A cut to 8 bytes': TOO_SHORT,
      'nat_icmp_send=1: tcp A cut to 8 bytes': TOO_SHORT,
      "nat_icmp_send=1: tcp R from the server's service port": FROM_MIDDLE,
      "nat_icmp_send=1: tcp RA from the server's service port": FROM_MIDDLE,
    },
  },
];
