/** The subjects that build a lab, for which network namespaces have to be allowed. */
import type { SubjectName } from './index.js';

const names = ['bulk', 'control', 'device', 'fastPath', 'fastProgram', 'health', 'idle', 'latency', 'peers'] as const;
export const subjectsInLabs: ReadonlySet<SubjectName> = new Set(names);
