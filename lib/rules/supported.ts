/** Says what of the names in ipvsadm's grammar this version has. Everything else is refused by name, never ignored. */
import { persistenceEngines } from '../values/persistence.js';
import type { Command, ServiceSettings } from './command.js';
import { RulesError } from './errors.js';

/** The lists that the engine was built with. */
export interface Support {
  schedulers: readonly string[];
  /** Sysctls by name, without `net.ipv4.vs.`. */
  sysctlNames: readonly string[];
}

/** Throws a RulesError that names what this version lacks; returns the command otherwise. */
export function checkSupported<T extends Command>(command: T, { schedulers }: Pick<Support, 'schedulers'>): T {
  if (command.command === 'addService' || command.command === 'editService') checkNames(command.settings, schedulers);
  return command;
}

function checkNames({ scheduler, persistence }: ServiceSettings, schedulers: readonly string[]): void {
  const ipvsadm = { text: 'Scheduler or persistence engine not found', exitStatus: 255 };
  if (!schedulers.includes(scheduler)) {
    throw new RulesError(`-s ${scheduler}: there is no such scheduler: use one of ${schedulers.join(', ')}`, {
      token: scheduler,
      ipvsadm,
    });
  }
  const engine = persistence?.engine;
  if (engine !== undefined && !(persistenceEngines as readonly string[]).includes(engine)) {
    throw new RulesError(
      `--pe ${engine}: there is no such persistence engine: use ${persistenceEngines.join(', ')}, or leave it out`,
      { token: engine, ipvsadm },
    );
  }
}
