/** Health: checks of real servers, and what follows from them. */
export * from './checks/check.js';
export { type DnsCheckOptions, dnsCheck } from './checks/dns.js';
export { checkKinds } from './checks/index.js';
export type { CheckKind, CheckOption } from './checks/kind.js';
export type { HttpOptions } from './checks/http/options.js';
export { type HttpCheckOptions, httpCheck } from './checks/http.js';
export { type HttpsCheckOptions, httpsCheck } from './checks/https.js';
export { type PingCheckOptions, pingCheck } from './checks/ping.js';
export { type SmtpCheckOptions, smtpCheck } from './checks/smtp.js';
export { type TcpCheckOptions, tcpCheck } from './checks/tcp.js';
export type * from './events.js';
export type * from './notify/options.js';
export type * from './options.js';
export type { TlsOptions } from './checks/tls/options.js';
export { type TlsCheckOptions, tlsCheck } from './checks/tls.js';
export { type AddressWayOptions, addressWay } from './way/address-way.js';
export { type UdpCheckOptions, udpCheck } from './checks/udp.js';
