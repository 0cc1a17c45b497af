/** Why a request to etcd has failed. Whoever asked decides by the kind; people read the sentence. */
import { TunvsError } from '../../values/errors.js';

/**
 * 'away' is an endpoint that does not answer, or not as a member with a leader does; 'foreign' is an answer that is not
 * etcd's; 'denied' is a user who may not; 'compacted' is a revision that etcd no longer has; 'refused' is anything else
 * that etcd refuses.
 */
export type EtcdFailureKind = 'away' | 'foreign' | 'denied' | 'expired' | 'compacted' | 'refused';

export class EtcdFailure extends TunvsError {
  readonly kind: EtcdFailureKind;

  constructor(kind: EtcdFailureKind, message: string, options: { cause?: unknown } = {}) {
    super(kind === 'denied' ? 'ERR_TUNVS_PERMISSION' : 'ERR_TUNVS_SYSTEM', message, options);
    this.kind = kind;
  }
}

/** Whether another endpoint may answer better. */
export const isElsewhereWorthAsking = (error: unknown): boolean =>
  error instanceof EtcdFailure && (error.kind === 'away' || error.kind === 'foreign');

/** The codes of gRPC, which etcd's JSON gateway passes on. */
const KINDS: Readonly<Record<number, EtcdFailureKind>> = {
  4: 'away',
  7: 'denied',
  8: 'refused',
  11: 'compacted',
  14: 'away',
  16: 'expired',
};

interface Refusal {
  code?: unknown;
  grpc_code?: unknown;
  message?: unknown;
  error?: unknown;
}

/** `said` is the body of an answer whose status is an error's, or what a stream has in place of a result. */
export function refusalOf(endpoint: string, said: unknown, status: number): EtcdFailure {
  const fields = (typeof said === 'object' && said !== null ? said : {}) as Refusal;
  const code = Number(fields.code ?? fields.grpc_code);
  const text = [fields.message, fields.error].find((each) => typeof each === 'string') as string | undefined;
  if (text === undefined)
    return new EtcdFailure('foreign', `${endpoint} does not answer as etcd does (status ${status})`);
  const message = `${endpoint}: ${text.slice(0, 300)}`;
  // etcd says it with the code of a wrong argument.
  if (/user name is empty/.test(text))
    return new EtcdFailure('denied', `${message}: etcd asks who you are: give --etcd-user`);
  if (/authentication failed/.test(text))
    return new EtcdFailure('denied', `${message}: give the user's password by --etcd-password-file`);
  if (/permission denied/.test(text))
    return new EtcdFailure('denied', `${message}: grant the user the keys below the prefix`);
  if (/no leader|leader changed|request timed out|too many requests/.test(text))
    return new EtcdFailure('away', message);
  return new EtcdFailure(KINDS[code] ?? (status >= 500 ? 'away' : 'refused'), message);
}
