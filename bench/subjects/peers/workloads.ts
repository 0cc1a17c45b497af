/** What clients ask for, as data. */

export interface Workload {
  /** One of these is what figures are about. */
  unit: string;
  connections: number;
  /** Every request has a connection of its own. */
  isClosing: boolean;
  requestPath: keyof typeof answers;
  /** What a request has beside its usual headers. */
  headerBytes: number;
  bodyBytes: number;
}

/** What the servers have, by path, in bytes. */
export const answers = { '/large': 1024 * 1024, '/medium': 100 * 1024, '/kilobyte': 1024, '/small': 100 } as const;

export const workloads = {
  /** The headline: the answer is a thousand times the request. */
  responses: {
    unit: 'response',
    connections: 16,
    isClosing: false,
    requestPath: '/large',
    headerBytes: 950,
    bodyBytes: 0,
  },
  /** Smaller answers, which connections go on behind. */
  responses100k: {
    unit: 'response',
    connections: 16,
    isClosing: false,
    requestPath: '/medium',
    headerBytes: 0,
    bodyBytes: 0,
  },
  responses1k: {
    unit: 'response',
    connections: 32,
    isClosing: false,
    requestPath: '/kilobyte',
    headerBytes: 0,
    bodyBytes: 0,
  },
  connections: {
    unit: 'connection',
    connections: 32,
    isClosing: true,
    requestPath: '/small',
    headerBytes: 0,
    bodyBytes: 0,
  },
  requests: {
    unit: 'request',
    connections: 32,
    isClosing: false,
    requestPath: '/small',
    headerBytes: 0,
    bodyBytes: 0,
  },
  upload: {
    unit: 'upload',
    connections: 4,
    isClosing: false,
    requestPath: '/small',
    headerBytes: 0,
    bodyBytes: 4 * 1024 * 1024,
  },
} as const satisfies Record<string, Workload>;

export type WorkloadName = keyof typeof workloads;
