/** Health: checks of real servers, and what follows from them. */
export * from './checks/check.js';
export { type DnsCheckOptions, dnsCheck } from './checks/dns.js';
export { type ExecCheckOptions, execCheck } from './checks/exec.js';
export { type FileCheckOptions, fileCheck } from './checks/file.js';
export { checkKinds } from './checks/index.js';
export type { CheckKind, CheckOption } from './checks/kind.js';
export { type PingCheckOptions, pingCheck } from './checks/ping.js';
export { type SmtpCheckOptions, smtpCheck } from './checks/smtp.js';
export { type TcpCheckOptions, tcpCheck } from './checks/tcp.js';
export { type UdpCheckOptions, udpCheck } from './checks/udp.js';
export type { CheckTiming, OnDown } from './options.js';
