/** What systemd is told of its service (sd_notify(3)). Without a service manager every call does nothing. */
import { native } from '../native/addon.js';

export interface ServiceManager {
  ready(status: string): void;
  /** To be followed by ready(). */
  reloading(): void;
  stopping(): void;
  status(status: string): void;
  /** How often watchdog() has to be called, at least; undefined: never. */
  readonly watchdogMs: number | undefined;
  watchdog(): void;
}

export interface ServiceManagerParts {
  send?: (path: string, text: string) => void;
  /** Reads CLOCK_MONOTONIC. */
  nowUs?: () => bigint;
  pid?: number;
}

/**
 * Takes what systemd has put into `environment` out of it, so that no child takes itself for the service.
 */
export function serviceManager(environment: NodeJS.ProcessEnv, parts: ServiceManagerParts = {}): ServiceManager {
  const { send = native.sendDatagram, nowUs = () => process.hrtime.bigint() / 1000n, pid = process.pid } = parts;
  const { NOTIFY_SOCKET: path, WATCHDOG_USEC: microseconds, WATCHDOG_PID: watched } = environment;
  for (const name of ['NOTIFY_SOCKET', 'WATCHDOG_USEC', 'WATCHDOG_PID']) delete environment[name];
  const tell = (...fields: string[]) => {
    if (!path) return;
    try {
      send(path, fields.join('\n'));
    } catch {
      // A service manager that does not listen is no reason to stop.
    }
  };
  const isWatched = path && Number(microseconds) > 0 && (watched === undefined || Number(watched) === pid);
  return {
    // It may have taken the place of the one that was started.
    ready: (status) => tell('READY=1', `MAINPID=${pid}`, statusField(status)),
    reloading: () => tell('RELOADING=1', `MONOTONIC_USEC=${nowUs()}`),
    stopping: () => tell('STOPPING=1', 'STATUS=stopping'),
    status: (status) => tell(statusField(status)),
    watchdogMs: isWatched ? Number(microseconds) / 1000 : undefined,
    watchdog: () => tell('WATCHDOG=1'),
  };
}

const statusField = (status: string) => `STATUS=${status.replace(/[\r\n]+/g, ' ')}`;
