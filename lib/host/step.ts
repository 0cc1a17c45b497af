/** A change to the host as data: `--dry-run` can print it, and it says how to take it back. */

/** A run of ip(8), or a value for a file under /proc/sys. */
export type HostCommand =
  | { readonly argv: readonly string[] }
  | {
      /** The path below /proc/sys/, as in `net/ipv4/ip_forward`. */
      readonly write: string;
      readonly value: string;
      /** Written only while the file holds this: whoever changed it since keeps that value. */
      readonly onlyIf?: string;
      /** Files that the kernel changes with it; they get these values afterwards. */
      readonly also?: readonly { readonly write: string; readonly value: string }[];
    };

export interface HostStep {
  /** Says what the step is for, in a few words. */
  readonly description: string;
  readonly command: HostCommand;
  /** Absent where the change goes with the device. */
  readonly undo?: HostCommand;
  /**
   * The host had it already when the step was planned, so there is nothing to run. A plan made from a snapshot
   * ({@link Host.snapshot}) says this of every step: a step that is not held is missing.
   */
  readonly isHeld?: boolean;
  /** Names what several steps make together; they are put back together or not at all. */
  readonly thing?: string;
}

/** Writes the command as a shell takes it. */
export function formatHostCommand(command: HostCommand): string {
  if ('argv' in command) return command.argv.join(' ');
  return `echo ${command.value} > /proc/sys/${command.write}`;
}
