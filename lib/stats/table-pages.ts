/** The memory that the connection tables have taken, of the `bytes` that are reserved for them. */
export interface TablePages {
  /** The memory that has been touched and is in RAM, in bytes. */
  residentBytes: number;
  /** How much of that lies in huge pages, in bytes. */
  hugeBytes: number;
}
