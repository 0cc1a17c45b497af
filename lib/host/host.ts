/** The host that is set up: what planners read and what the applier runs. Injected, so that plans are tested without one. */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { TunvsError, type TunvsErrorCode } from '../errors.js';
import { canonicalAddress } from '../inet.js';
import { formatHostCommand, type HostCommand } from './step.js';

/** An address of an interface that is up; zone suffixes are left out. */
export interface HostAddress {
  readonly interfaceName: string;
  readonly address: string;
  /** [0, 32] or [0, 128] */
  readonly prefixLength: number;
}

export interface Host {
  /** The value of a file below /proc/sys/, undefined when there is none. */
  readSysctl(path: string): string | undefined;
  addresses(): HostAddress[];
  /** What a run of ip(8) prints, undefined when it fails. */
  query(argv: readonly string[]): string | undefined;
  /** Throws a TunvsError that names the command and what it said. */
  run(command: HostCommand): void;
}

/** ip(8) answers at once or never. */
const COMMAND_TIMEOUT_MS = 10_000;

const MENDS: Partial<Record<TunvsErrorCode, string>> = {
  ERR_TUNVS_PERMISSION: 'run as root, with CAP_NET_ADMIN, or under "unshare -Urnm"',
};

function failure(command: HostCommand, said: string, cause: unknown): TunvsError {
  const { code, errno } = cause as NodeJS.ErrnoException;
  if (code === 'ENOENT' && 'argv' in command) {
    return new TunvsError(
      'ERR_TUNVS_HOST',
      'ip(8) is missing, which sets up the host: install it with "apt install iproute2"',
      { cause },
    );
  }
  if (code === 'EROFS') {
    return new TunvsError(
      'ERR_TUNVS_HOST',
      `/proc/sys is read-only here, so "${formatHostCommand(command)}" cannot be done: set it when the container is started (--sysctl), or mount /proc/sys writable`,
      { cause, errno, syscall: 'write' },
    );
  }
  const denied = code === 'EACCES' || code === 'EPERM' || /not permitted|permission denied/i.test(said);
  const tunvsCode = denied ? 'ERR_TUNVS_PERMISSION' : 'ERR_TUNVS_HOST';
  const mend = MENDS[tunvsCode];
  return new TunvsError(tunvsCode, `"${formatHostCommand(command)}" failed: ${said}${mend ? `; ${mend}` : ''}`, {
    cause,
  });
}

function execute(argv: readonly string[]): string {
  const [file = '', ...rest] = argv;
  return execFileSync(file, rest, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], timeout: COMMAND_TIMEOUT_MS });
}

/** The host that this process runs on, in its own network namespace. */
export const thisHost: Host = {
  readSysctl(path) {
    try {
      return readFileSync(`/proc/sys/${path}`, 'utf8').trim();
    } catch {
      // This kernel has no such file: whoever asks says what that means.
      return undefined;
    }
  },

  addresses() {
    return Object.entries(networkInterfaces()).flatMap(([interfaceName, entries]) =>
      (entries ?? []).map(({ address, cidr, family }) => ({
        interfaceName,
        address: canonicalAddress(address) ?? address,
        prefixLength: Number(cidr?.split('/')[1] ?? (family === 'IPv4' ? 32 : 128)),
      })),
    );
  },

  query(argv) {
    try {
      return execute(argv);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') throw failure({ argv }, '', error);
      return undefined;
    }
  },

  run(command) {
    try {
      if ('argv' in command) execute(command.argv);
      else writeFileSync(`/proc/sys/${command.write}`, command.value);
    } catch (error) {
      const { stderr } = error as { stderr?: string };
      throw failure(command, (stderr?.trim() || (error as Error).message).replaceAll('\n', '; '), error);
    }
  },
};
