/** The files of a TLS check, read again when they have changed. What is wrong with them says nothing of the server. */
import { X509Certificate } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { createSecureContext, type SecureContext } from 'node:tls';
import { refuse } from '../../../values/options.js';
import { CheckFailure } from '../check.js';
import type { TlsValues } from './options.js';

/** No bundle of authorities is near to it. */
const MAX_FILE_BYTES = 8 * 1024 * 1024;

/** A context costs much more than a handshake's part of it, so that checks share one. */
export function contextSource(kind: string, values: TlsValues): () => Promise<SecureContext> {
  const { caFile, certificateFile, keyFile, minTlsVersion } = values;
  if ((certificateFile === undefined) !== (keyFile === undefined))
    refuse(
      `${kind}: ${certificateFile === undefined ? 'certificateFile' : 'keyFile'}`,
      undefined,
      'a file: both or none',
    );
  const files = { caFile, certificateFile, keyFile };
  let made: { stamp: string; context: SecureContext } | undefined;
  return async () => {
    const stamp = await stampOf(files);
    if (made?.stamp === stamp) return made.context;
    const [ca, cert, key] = await Promise.all([
      read('caFile', caFile),
      read('certificateFile', certificateFile),
      read('keyFile', keyFile),
    ]);
    const context = createContext({ ca, cert, key, minVersion: minTlsVersion });
    made = { stamp, context };
    return context;
  };
}

function createContext(options: Parameters<typeof createSecureContext>[0]): SecureContext {
  try {
    // Node passes over authorities that it cannot read.
    if (options?.ca !== undefined) new X509Certificate(options.ca as Buffer);
    return createSecureContext({ ...options, ...relaxedFor(options?.minVersion) });
  } catch (error) {
    throw new CheckFailure('failed', `the certificates or the key cannot be used: ${(error as Error).message}`, {
      cause: error,
      isOwnFault: true,
    });
  }
}

/** OpenSSL 3 refuses the old versions at its usual security level. */
function relaxedFor(version: string | undefined) {
  return version === 'TLSv1' || version === 'TLSv1.1' ? { ciphers: 'DEFAULT@SECLEVEL=0' } : {};
}

async function stampOf(files: Readonly<Record<string, string | undefined>>): Promise<string> {
  const stamps = Object.entries(files).map(async ([option, file]) => {
    if (file === undefined) return '';
    const { mtimeMs, size, ino } = await attempted(option, file, () => stat(file));
    if (size > MAX_FILE_BYTES)
      throw new CheckFailure('failed', `${option}: ${file} is longer than ${MAX_FILE_BYTES} bytes`, {
        isOwnFault: true,
      });
    return `${ino} ${mtimeMs} ${size}`;
  });
  return (await Promise.all(stamps)).join('\n');
}

async function read(option: string, file: string | undefined): Promise<Buffer | undefined> {
  return file === undefined ? undefined : attempted(option, file, () => readFile(file));
}

async function attempted<T>(option: string, file: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    throw new CheckFailure('failed', `${option}: ${file} cannot be read: ${(error as Error).message}`, {
      cause: error,
      isOwnFault: true,
    });
  }
}
