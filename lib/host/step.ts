/** A change to the host as data: `--dry-run` can print it, and it says how to take it back. */

/** A command that changes the host: a run of ip(8), or a value that is written to a file under /proc/sys. */
export type HostCommand =
  | {
      /** The program and its arguments. */
      readonly argv: readonly string[];
    }
  | {
      /** The file's path below /proc/sys/, such as `net/ipv4/ip_forward`. */
      readonly write: string;
      /** The value that is written. */
      readonly value: string;
      /** The value that the file must hold, so that whoever changed it since keeps what they wrote. */
      readonly onlyIf?: string;
      /** The files that change with it and get these values afterwards. */
      readonly also?: readonly {
        /** The file's path below /proc/sys/. */
        readonly write: string;
        /** The value that is written. */
        readonly value: string;
      }[];
    };

/** A step of setting up a host. */
export interface HostStep {
  /** What the step is for, in a few words. */
  readonly description: string;
  /** The command that makes the change. */
  readonly command: HostCommand;
  /** The command that undoes the change. It is left out when the change goes with the device. */
  readonly undo?: HostCommand;
  /**
   * Whether the host had the change already when the step was planned, so that there is nothing to run. In a plan that
   * is made from a snapshot, what is not held is missing.
   */
  readonly isHeld?: boolean;
  /** The thing that the step is one of several for; they are put back together or not at all. */
  readonly thing?: string;
}

/** Writes the command as a shell takes it. */
export function formatHostCommand(command: HostCommand): string {
  if ('argv' in command) return command.argv.join(' ');
  return `echo ${command.value} > /proc/sys/${command.write}`;
}
