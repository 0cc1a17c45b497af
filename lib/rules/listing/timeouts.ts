/** Prints `ipvsadm -L --timeout`. */

/** Seconds. */
export interface ListedTimeouts {
  tcp: number;
  tcpFin: number;
  udp: number;
}

export function listTimeouts({ tcp, tcpFin, udp }: ListedTimeouts): string {
  return `Timeout (tcp tcpfin udp): ${tcp} ${tcpFin} ${udp}\n`;
}
