/** The list of the routes, in the order of the documentation. */
import type { Route } from '../route.js';
import { health } from './health.js';
import * as servers from './servers.js';
import * as service from './service.js';
import * as services from './services.js';

export const routes: readonly Route[] = [
  ...[health],
  ...[services.listServices, services.postService, services.deleteServices],
  ...[service.getService, service.putServiceRoute, service.patchService, service.deleteService],
  service.getServiceStats,
  ...[servers.listServers, servers.postServer],
  ...[servers.getServer, servers.putServerRoute, servers.patchServer, servers.deleteServer],
  servers.getServerStats,
  services.zero,
];
