/** The list of the routes, in the order of the documentation. */
import type { Route } from '../router/route.js';
import * as connections from './connections.js';
import * as daemon from './daemon.js';
import * as drains from './drains.js';
import { getEvents } from './events.js';
import * as figures from './figures.js';
import { health } from './health.js';
import { getHealthOverview, getServerHealth, getServiceHealth, postCheck } from './server-health.js';
import { getRole, putRole } from './role.js';
import * as servers from './servers.js';
import * as service from './service.js';
import * as services from './services.js';
import * as settings from './settings.js';
import { getStatus } from './status.js';
import * as sync from './sync.js';
import { postTransaction } from './transaction.js';

export const routes: readonly Route[] = [
  ...[figures.getDirector, getStatus, figures.getFingerprint, figures.getStats, figures.getCounters, services.zero],
  ...[services.listServices, services.postService, services.deleteServices],
  ...[service.getService, service.putServiceRoute, service.patchService, service.deleteService],
  service.getServiceStats,
  ...[servers.listServers, servers.postServer],
  ...[servers.getServer, servers.putServerRoute, servers.patchServer, servers.deleteServer],
  servers.getServerStats,
  ...[getHealthOverview, getServiceHealth, getServerHealth, postCheck],
  ...[drains.listDrains, drains.getDrain, drains.postDrain, drains.deleteDrain],
  postTransaction,
  ...[connections.listConnections, connections.explain],
  ...[settings.getMarks, settings.putMarks, settings.getTimeouts, settings.patchTimeouts],
  ...[settings.getSysctls, settings.patchSysctls],
  ...[getRole, putRole],
  ...[sync.getSync, sync.postSync, sync.deleteSync],
  getEvents,
  ...[daemon.postIpvsadm, daemon.postReload, daemon.getConfig],
  ...[health, figures.getMetrics, daemon.getOpenapi],
];
