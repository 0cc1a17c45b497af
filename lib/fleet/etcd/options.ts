/** Where etcd is, and who asks. */
export interface EtcdOptions {
  /** As in `https://10.2.0.5:2379`; they are asked in turn. */
  endpoints: readonly string[];
  /** For endpoints with https. Without `ca` the authorities of the system count. */
  tls?: { ca?: string; cert?: string; key?: string };
  user?: { name: string; password: string };
  /** How long an endpoint has to answer one request, in milliseconds; 3000 by default. */
  timeoutMs?: number;
  /** How often an open watch is tried, in milliseconds; 5000 by default. */
  heartbeatMs?: number;
}

/** Returns why the text is no endpoint, or undefined. */
export function whyNoEndpoint(text: string): string | undefined {
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    // The caller says what is wrong.
    return 'it is no URL';
  }
  if (url.protocol !== 'http:' && url.protocol !== 'https:') return 'its scheme is neither http nor https';
  if (url.username !== '' || url.password !== '') return 'a user and a password do not belong into it';
  if (url.search !== '' || url.hash !== '') return 'it has a query or a fragment';
  if (url.pathname !== '/') return 'it has a path';
  return undefined;
}
