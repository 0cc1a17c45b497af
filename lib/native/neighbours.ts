/** Gratuitous ARP and unsolicited neighbour advertisements. */

export interface NativeNeighbourNews {
  interfaceName: string;
  /** Of both families. */
  addresses: string[];
  /** An IPv6 address of the interface, from which neighbour advertisements come. */
  source?: string;
  /** The interface forwards IPv6. */
  isRouter: boolean;
}
