/** Puts the steps of a reconciliation into force: all of them or none, timeouts and sysctls as well. */
import type { Transaction } from '../director/configuration.js';
import type { RealServer, VirtualService } from '../director/virtual-service.js';
import { TunvsError } from '../values/errors.js';
import { type RealServerKey, serverName } from '../values/server-options.js';
import { type ServiceIdentity, serviceName } from '../values/service-key.js';
import type { StateTimeouts } from '../values/timeouts.js';
import type { Operation } from './reconcile.js';

/** What is changed of a director; `Director` and `OfflineDirector` have it. */
export interface ChangedDirector {
  transaction<T>(body: (transaction: Transaction) => T): T;
  readonly stateTimeouts: Required<StateTimeouts>;
  setTimeouts(timeouts: StateTimeouts): void;
  readonly sysctls: Readonly<Record<string, number>>;
  setSysctl(name: string, value: number): void;
}

/** Throws what the director refuses, and then everything is as it was. */
export function putIntoForce(director: ChangedDirector, steps: readonly Operation[]): void {
  if (steps.length === 0) return;
  allOrNothing(director, (transaction, undo) => {
    for (const step of steps) take(director, transaction, step, undo);
  });
}

/**
 * Runs `body` in a transaction. What is not of the transaction is set within it, so that only the tables can still fail
 * afterwards; `body` adds to `undo` how that is taken back.
 */
export function allOrNothing(
  director: ChangedDirector,
  body: (transaction: Transaction, undo: (() => void)[]) => void,
): void {
  const undo: (() => void)[] = [];
  try {
    director.transaction((transaction) => body(transaction, undo));
  } catch (error) {
    takeBack(undo);
    throw error;
  }
}

/** One step that cannot be taken back does not keep the others. */
function takeBack(undo: (() => void)[]): void {
  for (const step of undo.reverse()) {
    try {
      step();
    } catch {
      // The error that led here says what is wrong; a director that is closed meanwhile has nothing left to restore.
    }
  }
}

/** What is to be called when the rest fails is added to `undo`. */
export function setTimeouts(director: ChangedDirector, edit: StateTimeouts, undo: (() => void)[]): void {
  const before = director.stateTimeouts;
  director.setTimeouts(edit);
  undo.push(() => director.setTimeouts(before));
}

/** Likewise. `name` may have `net.ipv4.vs.` in front. */
export function setSysctl(director: ChangedDirector, name: string, value: number, undo: (() => void)[]): void {
  const before = director.sysctls[name.replace(/^net\.ipv4\.vs\./, '')];
  director.setSysctl(name, value);
  if (before !== undefined) undo.push(() => director.setSysctl(name, before));
}

function take(director: ChangedDirector, transaction: Transaction, step: Operation, undo: (() => void)[]): void {
  switch (step.op) {
    case 'setMarks':
      return transaction.setMarks(step.after);
    case 'deleteService':
      return transaction.deleteVirtualService(step.service);
    case 'addService':
      transaction.addVirtualService({ ...step.service, ...step.after } as never);
      return;
    case 'editService':
      return found(transaction, step.service).edit(step.edit);
    case 'deleteServer':
      return foundServer(transaction, step.service, step.server).delete();
    case 'addServer':
      found(transaction, step.service).addRealServer({ ...step.server, ...step.after });
      return;
    case 'editServer':
      return foundServer(transaction, step.service, step.server).edit(step.edit);
    case 'setTimeouts':
      return setTimeouts(director, step.edit, undo);
    case 'setSysctl':
      return setSysctl(director, step.name, step.after, undo);
  }
}

function found(transaction: Transaction, identity: ServiceIdentity): VirtualService {
  const service = transaction.virtualService(identity);
  if (service) return service;
  throw new TunvsError('ERR_TUNVS_NOT_FOUND', `${serviceName(identity)} was deleted meanwhile: reload once more`);
}

function foundServer(transaction: Transaction, service: ServiceIdentity, key: Required<RealServerKey>): RealServer {
  const server = found(transaction, service).realServer(key);
  if (server) return server;
  const name = `${serverName(key)} of ${serviceName(service)}`;
  throw new TunvsError('ERR_TUNVS_NOT_FOUND', `${name} was deleted meanwhile: reload once more`);
}
