/** Connections by TCP that are opened, and reset as soon as they are taken. */

/** The knocks of one environment; a thread waits for what comes of them. */
export interface NativeKnocker {
  /**
   * Begins to connect, and returns a number for it. Throws what the kernel says of an address, a port or a way that it
   * has not got, with `syscall` and `errno`.
   *
   * @param port - [1, 65535]
   * @param fromPort - [0, 65535]; 0 stands for one of the kernel's choice.
   */
  knock(address: string, port: number, fromAddress?: string, fromPort?: number): number;
  /** Ends a knock; what has become of it is not told. */
  cancel(knock: number): void;
  /** Ends all knocks. */
  close(): void;
}
