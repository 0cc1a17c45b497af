/** The options of TLS that several kinds share. */
import type { CheckOptions } from '../kind.js';

const versions = ['TLSv1', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3'] as const;

/** The options of TLS that several kinds share. */
export interface TlsOptions {
  /** The name that is asked for (SNI) and that the certificate must have. Without it neither is done. */
  serverName?: string;
  /** Whether the certificate is verified; true by default. */
  verify?: boolean;
  /** Whether a certificate that its owner has signed is accepted; false by default. */
  allowSelfSigned?: boolean;
  /** A file with the certificates of the authorities (PEM); those of Node by default. */
  caFile?: string;
  /** A file with the certificate (PEM) that the check shows to the server. */
  certificateFile?: string;
  /** A file with the key (PEM) of `certificateFile`. */
  keyFile?: string;
  /** The lowest version of TLS; TLSv1.2 by default. */
  minTlsVersion?: (typeof versions)[number];
  /** How many days before the certificate expires the check warns; 14 by default. */
  expiryWarningDays?: number;
}

export type TlsDefaults = 'verify' | 'allowSelfSigned' | 'minTlsVersion' | 'expiryWarningDays';

export type TlsValues = TlsOptions & Required<Pick<TlsOptions, TlsDefaults>>;

export const tlsOptions: CheckOptions<TlsOptions, TlsDefaults> = {
  serverName: {
    type: 'string',
    what: 'a host name',
    pattern: /^(?=.{1,253}$)[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_])?$/,
    description: 'Sets the name that is asked for by SNI and that the certificate must have.',
    defaultSaid: 'no name: none is asked for, and the name in the certificate is not looked at',
  },
  verify: {
    type: 'boolean',
    default: true,
    description: 'Says whether the certificate is verified. If not, what is wrong with it is a warning.',
  },
  allowSelfSigned: {
    type: 'boolean',
    default: false,
    description: 'Accepts a certificate that is signed with its own key. Its name and its dates are still verified.',
  },
  caFile: {
    type: 'file',
    mustBe: 'readable',
    description: 'Names the file with the certificates (PEM) of the authorities that are trusted.',
    defaultSaid: 'the authorities that Node trusts',
  },
  certificateFile: {
    type: 'file',
    mustBe: 'readable',
    description: 'Names the file with the certificate (PEM) that the check shows to the server.',
  },
  keyFile: { type: 'file', mustBe: 'readable', description: 'Names the file with the key (PEM) of certificateFile.' },
  minTlsVersion: {
    type: 'choice',
    choices: versions,
    default: 'TLSv1.2',
    description: 'Sets the lowest version of TLS that is accepted.',
  },
  expiryWarningDays: {
    type: 'integer',
    min: 0,
    max: 3650,
    default: 14,
    description: 'Sets how many days before it expires a certificate brings a warning.',
  },
};
