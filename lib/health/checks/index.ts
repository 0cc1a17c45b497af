/** The kinds of checks: one line for each. */
import type { CheckKind } from './kind.js';
import { tcp } from './tcp.js';
import { tls } from './tls.js';

/** Every kind of check, in the order of the documentation. A function is no kind: see functionCheck(). */
export const checkKinds: readonly CheckKind[] = [tcp, tls];
