/** The options that http and https share. */
import { type CheckOptions, portOption } from '../kind.js';
import { compilePattern } from './pattern.js';
import { parseStatusRanges } from './status-ranges.js';

const versions = ['1.0', '1.1', '2'] as const;

export interface HttpOptions {
  /** The port that is connected to, in place of the one that the service has. */
  port?: number;
  /** GET by default. */
  method?: string;
  /** The path with its query; '/' by default. */
  path?: string;
  /** The host that is asked for; the address by default. */
  host?: string;
  /** Further header fields of the request. */
  headers?: Record<string, string>;
  /** The body of the request. */
  body?: string;
  /** The version of HTTP; '1.1' by default. '2' is by prior knowledge with http, by ALPN with https. */
  version?: (typeof versions)[number];
  /** The status codes that pass, as in '200-299,301'; '200-399' by default. Redirects are not followed. */
  status?: string;
  /** A text that the body has to contain. */
  contains?: string;
  /** A text that the body must not contain. */
  lacks?: string;
  /** A regular expression of JavaScript that the body has to match. */
  pattern?: string;
  /** The flags of the pattern, of i, m, s and u. */
  patternFlags?: string;
  /** Whether the body passes when the pattern does not match; false by default. */
  negatePattern?: boolean;
  /** The MD5 of the body in hexadecimal digits, as keepalived's genhash computes it. */
  digest?: string;
  /** How many bytes of the body are looked at; 65536 by default. */
  maxBodyBytes?: number;
  /** The header field of the answer that holds the server's weight, as in '50' or '75%'. */
  weightHeader?: string;
}

export type HttpDefaults = 'method' | 'path' | 'version' | 'status' | 'patternFlags' | 'negatePattern' | 'maxBodyBytes';

export type HttpValues = HttpOptions & Required<Pick<HttpOptions, HttpDefaults>>;

const TOKEN = "[!#$%&'*+.^_`|~0-9A-Za-z-]+";

export const httpOptions: CheckOptions<HttpOptions, HttpDefaults> = {
  port: portOption,
  method: {
    type: 'string',
    what: 'a method such as GET or HEAD',
    // After CONNECT the connection would be a tunnel.
    pattern: /^(?!CONNECT$)[A-Z][A-Z-]{0,30}$/,
    default: 'GET',
    description: 'Sets the method of the request.',
  },
  path: {
    type: 'string',
    what: 'a path such as /health?full=1',
    pattern: /^(?:\/[\x21-\x7e]*|\*)$/,
    maxLength: 8192,
    default: '/',
    description: 'Sets the path that is asked for, with its query.',
  },
  host: {
    type: 'string',
    what: 'a host, with or without a port',
    pattern: /^[A-Za-z0-9_.[\]:-]{1,260}$/,
    description: 'Sets the host that is asked for (Host, :authority).',
    defaultSaid: 'the address and the port that are connected to',
  },
  headers: {
    type: 'map',
    keys: new RegExp(`^${TOKEN}$`),
    of: {
      type: 'string',
      what: 'a value without control characters',
      pattern: /^[\t\x20-\x7e\x80-\xff]*$/,
      maxLength: 8192,
    },
    max: 64,
    isSecret: true,
    description: 'Sets further header fields of the request.',
  },
  body: { type: 'string', what: 'a text', description: 'Sets the body of the request.' },
  version: {
    type: 'choice',
    choices: versions,
    default: '1.1',
    description: "Sets the version of HTTP. '2' is spoken by prior knowledge without TLS, and by ALPN with it.",
  },
  status: {
    type: 'string',
    what: "status codes such as '200-299,301'",
    parse: parseStatusRanges,
    maxLength: 1024,
    default: '200-399',
    description: 'Sets the status codes that pass. Redirects are not followed.',
  },
  contains: {
    type: 'string',
    what: 'a text',
    pattern: /[\s\S]/,
    description: 'Sets a text that the body has to contain.',
  },
  lacks: {
    type: 'string',
    what: 'a text',
    pattern: /[\s\S]/,
    description: 'Sets a text that the body must not contain.',
  },
  pattern: {
    type: 'string',
    what: 'a regular expression',
    parse: (text) => compilePattern(text, ''),
    maxLength: 4096,
    description: 'Sets a regular expression, as JavaScript has them, that the body has to match.',
  },
  patternFlags: {
    type: 'string',
    what: 'some of the flags i, m, s and u',
    pattern: /^(?!.*(.).*\1)[imsu]*$/,
    default: '',
    description: 'Sets the flags of the pattern, such as i, which makes upper and lower case the same.',
  },
  negatePattern: {
    type: 'boolean',
    default: false,
    description: 'Says whether the body passes when the pattern does not match.',
  },
  digest: {
    type: 'string',
    what: 'an MD5 as 32 hexadecimal digits',
    pattern: /^[0-9A-Fa-f]{32}$/,
    description: "Sets the MD5 that the body has to have, as keepalived's genhash prints it.",
  },
  maxBodyBytes: {
    type: 'integer',
    min: 1,
    max: 16 * 1024 * 1024,
    default: 65_536,
    description: 'Sets how many bytes of the body are looked at.',
  },
  weightHeader: {
    type: 'string',
    what: 'the name of a header field',
    pattern: new RegExp(`^${TOKEN}$`),
    description: "Names the header field of the answer that holds the server's weight, as in 50 or 75%.",
  },
};
