/** Who is at the other end of a unix socket. */

/** What the peer was when it connected. Users and groups without a name in this user namespace are 65534. */
export interface NativePeerCredentials {
  uid: number;
  gid: number;
  /** 0 if the process is in another process namespace. */
  pid: number;
  /** The supplementary groups. */
  groups: number[];
}
