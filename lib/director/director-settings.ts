/** The settings of a director beside its services: timeouts of connections, and IPVS's sysctls. */
import { native } from '../native/addon.js';
import { TunvsError } from '../values/errors.js';
import { choiceOption, integerOption, MAX_INT32 } from '../values/options.js';
import { inertSysctlWarning, refusedSysctl } from '../values/inert-sysctls.js';
import { checkedTimeouts, type StateTimeouts, type Timeouts } from '../values/timeouts.js';
import type { DirectorEngine } from './director-engine.js';
import type { DirectorWarning } from './events.js';

export class DirectorSettings {
  readonly #engine: DirectorEngine;
  readonly #warn: (warning: DirectorWarning) => void;

  constructor(engine: DirectorEngine, warn: (warning: DirectorWarning) => void) {
    this.#engine = engine;
    this.#warn = warn;
  }

  /** Keyed by ipvsadm's names. */
  get timeouts(): Timeouts {
    const { established: tcp, finWait: tcpFin, udp } = this.stateTimeouts;
    return { tcp, tcpFin, udp };
  }

  get stateTimeouts(): Required<StateTimeouts> {
    return this.#engine.call((native) => native.timeouts()) as Required<StateTimeouts>;
  }

  setTimeouts(timeouts: Partial<Timeouts> & StateTimeouts): void {
    const checked = checkedTimeouts(timeouts);
    this.#engine.call((native) => native.setTimeouts(checked as Record<string, number>));
  }

  get sysctls(): Record<string, number> {
    return this.#engine.call((native) => native.sysctls());
  }

  setSysctl(name: string, value: number): void {
    const short = typeof name === 'string' ? name.replace(/^net\.ipv4\.vs\./, '') : name;
    const refused = refusedSysctl(short);
    if (refused !== undefined) throw refusal('name', refused);
    const known = choiceOption('setSysctl: name', short, native.sysctlNames);
    const checked = integerOption('setSysctl: value', value, -MAX_INT32, MAX_INT32);
    try {
      this.#engine.call((native) => native.setSysctl(known, checked));
    } catch (error) {
      throw error instanceof TunvsError && error.code === 'ERR_TUNVS_INVALID_ARGUMENT'
        ? refusal('value', error.message)
        : error;
    }
    const message = inertSysctlWarning(known);
    if (message !== undefined) this.#warn({ message, about: 'configuration' });
  }
}

function refusal(option: 'name' | 'value', sentence: string): TunvsError {
  return new TunvsError('ERR_TUNVS_INVALID_ARGUMENT', `setSysctl: ${option}: ${sentence}`, { option });
}
