/** What a daemon may be called. */

export const DEFAULT_NAME = 'tunvs';

/** Names files and, behind `tunvs-`, a device. */
const NAME = /^[a-z0-9][a-z0-9_-]{0,30}$/i;

export const DAEMON_NAME_FORM = 'at most 31 letters, digits, "-" and "_", a letter or a digit first';

export const isDaemonName = (name: string) => NAME.test(name);
