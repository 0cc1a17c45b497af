/** The service and the real server that a request's path names, and the condition under which they may be changed. */
import type { RealServer, VirtualService } from '../../director/virtual-service.js';
import { foundServer, foundService } from '../resource/resources.js';
import { assertUnchanged } from './conditions.js';
import type { Call } from './route.js';

/** Throws the problem 404. */
export function serviceOf({ context, params }: Call): VirtualService {
  return foundService(context.director, params.service as string);
}

/** Throws the problem 404. */
export function serverOf(call: Call): RealServer {
  return foundServer(serviceOf(call), call.params.server as string);
}

/** Returns what is to be changed; throws the problem 412 when If-Match or If-None-Match forbids it. */
export function forChange<Handle extends VirtualService | RealServer>(call: Call, found: Handle): Handle {
  assertUnchanged(call.request.headers, call.versions.of(found));
  return found;
}
