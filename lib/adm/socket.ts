/** Where a daemon listens. */

/** As lib/daemon/daemon-name.ts has it. */
const NAME = /^[a-z0-9][a-z0-9_-]{0,30}$/i;

export const NAME_FORM = 'at most 31 letters, digits, "-" and "_", a letter or a digit first';

/** Returns the path of its socket, in the folder that the same variable names to it; undefined when that is no name. */
export function socketOfDaemon(name: string, { TUNVS_RUNTIME_DIR }: NodeJS.ProcessEnv): string | undefined {
  return NAME.test(name) ? `${TUNVS_RUNTIME_DIR || '/run/tunvs'}/${name}.sock` : undefined;
}
