/** A change to the host as data: `--dry-run` can print it, and it says how to take it back. */

/** A run of ip(8), or a value for a file under /proc/sys. */
export type HostCommand =
  | { readonly argv: readonly string[] }
  | {
      /** Below /proc/sys/, as in `net/ipv4/ip_forward`. */
      readonly write: string;
      readonly value: string;
      /** Written only while the file holds this: whoever changed it since keeps what he wrote. */
      readonly onlyIf?: string;
      /** Files that change with it, and get these values behind it. */
      readonly also?: readonly { readonly write: string; readonly value: string }[];
    };

export interface HostStep {
  /** What it is for, in a few words. */
  readonly description: string;
  readonly command: HostCommand;
  /** Absent where the change goes with the device. */
  readonly undo?: HostCommand;
  /**
   * The host had it already when the step was planned, so that there is nothing to run. A plan that is made from a
   * snapshot ({@link Host.snapshot}) says so of everything: what is not held is what is missing.
   */
  readonly isHeld?: boolean;
  /** What it is one of several steps for, where they are put back together or not at all. */
  readonly thing?: string;
}

/** Writes the command as a shell takes it. */
export function formatHostCommand(command: HostCommand): string {
  if ('argv' in command) return command.argv.join(' ');
  return `echo ${command.value} > /proc/sys/${command.write}`;
}
