/** Where a director of a fleet keeps the last good configuration. */
import { join } from 'node:path';
import { DEFAULT_NAME } from '../../daemon/daemon-name.js';
import { runtimeFolder } from '../../host/holds/folder.js';
import type { RunOptions } from './options.js';

/** systemd names the folders of StateDirectory, which stay when the host starts anew. */
export function cacheFileOf({ etcdCache, name = DEFAULT_NAME }: RunOptions, environment = process.env): string {
  const [folder] = (environment.STATE_DIRECTORY ?? '').split(':');
  return etcdCache ?? join(folder || runtimeFolder(), `${name}.etcd.json`);
}
