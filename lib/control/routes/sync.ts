/** Connection sync: `/v1/sync` and its roles. */
import { type SyncOptions, type SyncRole, syncRoles } from '../../director/sync.js';
import { TunvsError } from '../../values/errors.js';
import { type Call, route } from '../router/route.js';
import { sync, syncNew } from '../schema/sync.js';

function roleOf({ params }: Pick<Call, 'params'>): SyncRole {
  const role = syncRoles.find((each) => each === params.role);
  if (role !== undefined) return role;
  throw new TunvsError(
    'ERR_TUNVS_NOT_FOUND',
    `there is no role ${params.role} of connection sync: name master or backup`,
  );
}

export const getSync = route({
  method: 'get',
  path: '/v1/sync',
  id: 'getSync',
  summary: 'Show the roles of connection sync that run, and what they have counted',
  access: 'read',
  answers: { 200: { says: 'The roles.', schema: sync } },
  run: ({ context }) => ({ body: context.director.sync }),
});

export const postSync = route({
  method: 'post',
  path: '/v1/sync/{role}',
  id: 'startSync',
  summary: 'Begin a role of connection sync: master or backup',
  description: 'A master tells its backups of connections, and a backup takes what a master tells.',
  access: 'write',
  body: syncNew,
  answers: { 201: { says: 'The role runs.', schema: sync } },
  problems: [404, 409],
  run(call) {
    const { director } = call.context;
    director.startSync({ ...call.body, role: roleOf(call) } as SyncOptions);
    return { status: 201, body: director.sync };
  },
});

export const deleteSync = route({
  method: 'delete',
  path: '/v1/sync/{role}',
  id: 'stopSync',
  summary: 'End a role of connection sync',
  access: 'write',
  answers: { 204: { says: 'The role does not run any more.' } },
  problems: [404],
  run(call) {
    call.context.director.stopSync(roleOf(call));
    return {};
  },
});
