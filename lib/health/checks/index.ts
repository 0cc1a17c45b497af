/** The kinds of checks: one line for each. */
import type { CheckKind } from './kind.js';
import { agent } from './agent.js';
import { dns } from './dns.js';
import { exec } from './exec.js';
import { file } from './file.js';
import { grpc } from './grpc.js';
import { http } from './http.js';
import { https } from './https.js';
import { ping } from './ping.js';
import { smtp } from './smtp.js';
import { tcp } from './tcp.js';
import { tls } from './tls.js';
import { udp } from './udp.js';

/** Every kind of check, in the order of the documentation. A function is no kind: see functionCheck(). */
export const checkKinds: readonly CheckKind[] = [tcp, tls, http, https, grpc, udp, dns, ping, smtp, agent, exec, file];
