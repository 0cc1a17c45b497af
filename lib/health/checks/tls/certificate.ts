/** What is wrong with a server's certificate, or soon will be. */
import { checkServerIdentity, type PeerCertificate } from 'node:tls';
import { printable } from '../../../values/printable.js';
import type { TlsValues } from './options.js';

export interface CertificateWords {
  /** What makes a client turn away. */
  fault?: string;
  mend?: string;
  warning?: string;
  /** For those who read of a server that has passed. */
  said: string;
}

const DAY_MS = 86_400_000;

/** OpenSSL's codes (X509_V_ERR_*), as Node names them. */
const CHAIN: Readonly<Record<string, string>> = {
  DEPTH_ZERO_SELF_SIGNED_CERT: 'the certificate is self-signed',
  SELF_SIGNED_CERT_IN_CHAIN: 'the chain ends at an authority that is not trusted',
  UNABLE_TO_GET_ISSUER_CERT: 'the issuer of a certificate in the chain is not known',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'the issuer of the certificate is not known',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'the issuer of the certificate is neither sent nor trusted',
  CERT_HAS_EXPIRED: 'a certificate of the chain has expired',
  CERT_NOT_YET_VALID: 'a certificate of the chain is not valid yet',
  CERT_REVOKED: 'a certificate of the chain is revoked',
  INVALID_PURPOSE: 'the certificate is not for servers',
};

const MENDS: Readonly<Record<string, string>> = {
  DEPTH_ZERO_SELF_SIGNED_CERT: 'Name the certificate by caFile, or set allowSelfSigned.',
  SELF_SIGNED_CERT_IN_CHAIN: 'Name the certificate of the authority by caFile.',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'Name the certificate of the authority by caFile.',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    'Let the server send the intermediate certificates, or name the authority by caFile.',
};

/** `chainError` is OpenSSL's word on the chain, if it did not verify. */
export function judgeCertificate(
  certificate: PeerCertificate,
  chainError: string | undefined,
  values: TlsValues,
  now: number,
): CertificateWords {
  const until = Date.parse(certificate.valid_to);
  const day = Number.isNaN(until) ? 'an unknown day' : new Date(until).toISOString().slice(0, 10);
  const said = `certificate until ${day}`;
  const found = faultOf(certificate, chainError, values, now, day);
  if (found !== undefined) return values.verify ? { ...found, said } : { warning: found.fault, said };
  const days = Math.floor((until - now) / DAY_MS);
  if (days < values.expiryWarningDays) return { warning: `the certificate expires in ${days} days, on ${day}`, said };
  return { said };
}

function faultOf(
  certificate: PeerCertificate,
  chainError: string | undefined,
  { allowSelfSigned, serverName }: TlsValues,
  now: number,
  day: string,
): { fault: string; mend?: string } | undefined {
  if (!certificate.raw) return { fault: 'the server has no certificate' };
  // Its dates are told before OpenSSL's word, which names the first fault of the whole chain.
  if (Date.parse(certificate.valid_to) < now)
    return { fault: `the certificate expired on ${day}`, mend: 'Renew the certificate of the server.' };
  if (Date.parse(certificate.valid_from) > now)
    return { fault: 'the certificate is not valid yet', mend: 'Look after the clocks of both hosts.' };
  if (chainError !== undefined && !(allowSelfSigned && chainError === 'DEPTH_ZERO_SELF_SIGNED_CERT')) {
    const mend = MENDS[chainError];
    return {
      fault: CHAIN[chainError] ?? `the chain is not trusted: ${chainError}`,
      ...(mend !== undefined && { mend }),
    };
  }
  if (serverName === undefined) return undefined;
  if (checkServerIdentity(serverName, certificate) === undefined) return undefined;
  // A subject may have several names; Node's types say one.
  const names = String(certificate.subjectaltname ?? certificate.subject?.CN ?? 'none').slice(0, 200);
  return { fault: `the certificate is not for ${serverName}, but for ${printable(names)}` };
}
