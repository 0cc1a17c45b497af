/** Puts the steps of a reconciliation into force: all of them or none, timeouts and sysctls as well. */
import type { Transaction } from '../director/configuration.js';
import type { RealServer, VirtualService } from '../director/virtual-service.js';
import { TunvsError } from '../values/errors.js';
import { type RealServerKey, serverName } from '../values/server-options.js';
import { type ServiceIdentity, serviceName } from '../values/service-key.js';
import { allOrNothing, type ChangedDirector, setSysctl, setTimeouts } from './all-or-nothing.js';
import type { Operation } from './reconcile.js';

/** Throws what the director refuses, and then everything is as it was. */
export function putIntoForce(director: ChangedDirector, steps: readonly Operation[]): void {
  if (steps.length === 0) return;
  allOrNothing(director, (transaction, undo) => {
    for (const step of steps) take(director, transaction, step, undo);
  });
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
