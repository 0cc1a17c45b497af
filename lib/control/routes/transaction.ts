/** `/v1/transaction`: several changes, all of them or none. */
import type { Transaction } from '../../director/configuration.js';
import { serverPortOf } from '../../values/service-key.js';
import { addServer, addService, editServer, editService, putServer, putService } from '../resource/changes.js';
import { assertUnchanged } from '../router/conditions.js';
import type { Director } from '../../director/director.js';
import { allOrNothing, setSysctl, setTimeouts } from '../../rules/all-or-nothing.js';
import { tryOut } from '../resource/try-out.js';
import { pointerOf } from '../router/reading.js';
import { Problem, toProblem } from '../problem.js';
import { foundServer, foundService } from '../resource/resources.js';
import { route } from '../router/route.js';
import { type ChangeJson, transaction, transactionResult } from '../schema/transaction.js';
import { parseServerId, parseServiceId } from '../resource/service-id.js';

export const postTransaction = route({
  method: 'post',
  path: '/v1/transaction',
  id: 'transaction',
  summary: 'Make several changes: all of them or none',
  description:
    'They come into force at one moment, for all workers. If-Match names the version of the whole configuration, which ' +
    '`GET /v1/services` has. With `dryRun` they are tried out elsewhere; what only the host can refuse shows later.',
  access: 'write',
  body: transaction,
  answers: { 200: { says: 'The changes are in force, or were found good.', schema: transactionResult } },
  problems: [404, 409],
  isConditional: true,
  async run({ context, versions, body, request }) {
    assertUnchanged(request.headers, versions.whole);
    const { changes, dryRun = false } = body;
    const { director } = context;
    if (dryRun) await tryOut(director, (copy) => applyAll(copy, changes));
    else applyAll(director, changes);
    return { body: { isDryRun: dryRun, changes: changes.length }, etag: versions.whole };
  },
});

function applyAll(director: Director, changes: readonly ChangeJson[]): void {
  allOrNothing(director, (open, undo) => {
    for (const [index, change] of changes.entries())
      located(index, () => (isSetting(change) ? set(director, change, undo) : apply(open, change)));
  });
}

/** The problem of one change says which. */
function located(index: number, apply: () => void): void {
  try {
    apply();
  } catch (error) {
    const problem = toProblem(error);
    if (!problem) throw error;
    const { status, code, message } = problem;
    const pointer = pointerOf(['changes', index]);
    throw new Problem(status, code, `change ${index} of the list: ${message}`, {
      errors: [{ pointer, detail: message }],
    });
  }
}

type Setting = Extract<ChangeJson, { op: 'setTimeouts' | 'setSysctls' }>;

const isSetting = (change: ChangeJson): change is Setting => change.op === 'setTimeouts' || change.op === 'setSysctls';

function set(director: Director, change: Setting, undo: (() => void)[]): void {
  if (change.op === 'setTimeouts') setTimeouts(director, change.value, undo);
  else for (const [name, value] of Object.entries(change.value)) setSysctl(director, name, value, undo);
}

function apply(open: Transaction, change: Exclude<ChangeJson, Setting>): void {
  switch (change.op) {
    case 'addService':
      return void addService(open, change.value);
    case 'putService':
      return void putService(open, parseServiceId(change.service), change.value);
    case 'setMarks':
      return open.setMarks(change.value.marks);
    case 'clear':
      return open.clear();
    case 'zero':
      return open.zero();
  }
  const service = foundService(open, change.service);
  switch (change.op) {
    case 'editService':
      return editService(service, change.value);
    case 'deleteService':
      return service.delete();
    case 'addServer':
      return void addServer(service, change.value);
    case 'putServer':
      return void putServer(service, { ...change.value, ...parseServerId(change.server, serverPortOf(service)) });
    case 'editServer':
      return editServer(foundServer(service, change.server), change.value);
    case 'deleteServer':
      return foundServer(service, change.server).delete();
  }
}
