/** What a door is: the places at which a control server listens, and what it asks of those who come. */
import type { DoorLimits } from './limits.js';

/** What the door has found out about a caller. */
export type Access = 'none' | 'read' | 'write';

/** The token itself, or a file that holds it in its only line and that other users cannot read. */
export type Token =
  | string
  | {
      /** The file's path. */
      file: string;
    };

/** Where a door says what happened to it. The daemon's log is one. */
export interface DoorLog {
  /** Says what is as it should be, such as where the server listens. */
  info(event: string, fields?: object, sentence?: string): void;
  /** Says what an operator should know, such as that clients were refused. */
  warn(event: string, fields?: object, sentence?: string): void;
  /** Says what failed. */
  error(event: string, fields?: object, sentence?: string): void;
}

/** A unix socket. Root, this process's user and members of `group` may use it, for reading and writing. */
export interface SocketPlace {
  path: string;
  /** The name or number of a group whose members may use the socket too: its mode is 0660 then, 0600 otherwise. */
  group?: string | number;
}

/** A TCP port. Without a token, a caller gets what needs none: whether the director is healthy, and metrics. */
export interface HttpPlace {
  /** An address, or a name of this host. */
  host: string;
  /** 0 chooses a free one. */
  port: number;
  /** An address that is not of the loopback needs at least one. */
  tokens?: {
    /** Those that allow reading. */
    read?: Token | readonly Token[];
    /** Those that allow reading and writing. */
    write?: Token | readonly Token[];
  };
  /** Names, beside this host's own, that callers may use in their `Host` header. Addresses may be used always. */
  names?: readonly string[];
}

export interface DoorOptions {
  /** Answers a request; what it throws becomes a 500. `request.signal` is aborted when the client is gone. */
  fetch(request: Request, access: Access): Response | Promise<Response>;
  socket?: SocketPlace;
  http?: HttpPlace;
  limits?: DoorLimits;
  log?: DoorLog;
  /** The director's name, for what is said about it. */
  name?: string;
}

/** A control server that listens. `await using` closes it. */
export interface Door extends AsyncDisposable {
  /** Where it listens. */
  readonly addresses: {
    /** The path of the unix socket. */
    readonly socket?: string;
    /** The URL on TCP, with the port that was chosen. */
    readonly http?: string;
  };
  /** Reads tokens that are files once more. Throws, and keeps those that it has, where one cannot be read. */
  reloadTokens(): void;
  /** Ends within a second, whatever clients do; calling it twice is fine. */
  close(): Promise<void>;
}
