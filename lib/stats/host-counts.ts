/** The counts of the host's upkeep, since the director was opened. */
export interface HostCounts {
  /** The number of things that were put back. */
  mended: number;
  /** The number of times that a thing was left alone because somebody took it away again and again. */
  contested: number;
}
