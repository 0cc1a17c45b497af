/** Errors as answers: problems by RFC 9457 with the codes of tunvs. */
import { isTunvsErrorCode, toTunvsError, type TunvsErrorCode } from '../values/errors.js';

/** Begins the `type` of each problem, which is a heading of docs/control.md. */
export const PROBLEM_BASE = 'https://github.com/tunvs/tunvs/blob/main/docs/control.md#';
export const PROBLEM_MEDIA = 'application/problem+json';

/** Tells a client that it needs a token (RFC 6750, section 3). */
export const CHALLENGE = 'Bearer realm="tunvs"';

/** Returns the URI that stands for a code. */
export function problemType(code: TunvsErrorCode): string {
  return `${PROBLEM_BASE}${code.slice('ERR_TUNVS_'.length).toLowerCase().replaceAll('_', '-')}`;
}

/** One mistake in what a client sent. */
export interface Mistake {
  /** Where it is: a JSON pointer into the body as a fragment, such as `#/servers/0/weight`, or `?limit`. */
  pointer: string;
  detail: string;
}

export interface ProblemJson {
  type: string;
  title: string;
  status: number;
  code: TunvsErrorCode;
  /** The sentence with the mend. */
  detail: string;
  errors?: Mistake[];
}

const TITLES: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  406: 'Not Acceptable',
  409: 'Conflict',
  412: 'Precondition Failed',
  413: 'Content Too Large',
  415: 'Unsupported Media Type',
  422: 'Unprocessable Content',
  429: 'Too Many Requests',
  500: 'Internal Server Error',
  503: 'Service Unavailable',
};

/** The status of each code, where what throws says no other. */
const STATUSES: Readonly<Record<TunvsErrorCode, number>> = {
  ERR_TUNVS_INVALID_ARGUMENT: 422,
  ERR_TUNVS_EXISTS: 409,
  ERR_TUNVS_NOT_FOUND: 404,
  ERR_TUNVS_CHANGED: 412,
  ERR_TUNVS_UNSUPPORTED: 422,
  ERR_TUNVS_PERMISSION: 503,
  ERR_TUNVS_BUSY: 409,
  ERR_TUNVS_NO_DEVICE: 503,
  ERR_TUNVS_LIMIT: 409,
  ERR_TUNVS_CLOSED: 503,
  ERR_TUNVS_SYSTEM: 503,
  ERR_TUNVS_NOT_BUILT: 503,
  ERR_TUNVS_POLICY: 409,
  ERR_TUNVS_RULES: 422,
  ERR_TUNVS_HOST: 503,
};

/** Thrown by routes; becomes the answer. */
export class Problem extends Error {
  readonly status: number;
  readonly code: TunvsErrorCode;
  readonly errors: readonly Mistake[];
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    status: number,
    code: TunvsErrorCode,
    detail: string,
    { errors = [], headers = {} }: { errors?: readonly Mistake[]; headers?: Record<string, string> } = {},
  ) {
    super(detail);
    this.status = status;
    this.code = code;
    this.errors = errors;
    this.headers = headers;
  }

  toJSON(): ProblemJson {
    const { status, code, message, errors } = this;
    const type = problemType(code);
    const title = TITLES[status] ?? 'Error';
    return { type, title, status, code, detail: message, ...(errors.length > 0 && { errors: [...errors] }) };
  }
}

/** Returns the problem that anything thrown is; undefined when it is a fault of this side that nobody foresaw. */
export function toProblem(thrown: unknown): Problem | undefined {
  if (thrown instanceof Problem) return thrown;
  if (!isTunvsErrorCode((thrown as { code?: unknown } | null | undefined)?.code)) return undefined;
  const { code, message } = toTunvsError(thrown);
  return new Problem(STATUSES[code], code, message);
}
