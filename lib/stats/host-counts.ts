/** What was counted of the host's upkeep. */
export interface HostCounts {
  /** Things put back since opening. */
  mended: number;
  /** How often a thing was left alone because somebody took it away again and again. */
  contested: number;
}
