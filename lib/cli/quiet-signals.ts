/** Ignores SIGUSR1 and SIGUSR2 from the first import on, until a verb says how it is. */
import { ignoreStatusSignals } from './signals.js';

ignoreStatusSignals();
