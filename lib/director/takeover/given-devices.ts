/** What a running director hands over of its devices. */
import type { NativeEngine } from '../../native/engine.js';
import type { Role } from '../../values/role.js';
import type { DirectorDevice, MarkDevice } from '../director-device.js';
import type { Given } from './giver.js';
import type { Common } from './protocol.js';

export function givenDevices(
  engine: Pick<NativeEngine, 'deviceQueues'>,
  { name, attached, steering, rings }: DirectorDevice,
  marked: readonly MarkDevice[],
  role: Role,
  common: Common,
): Given {
  if (rings.length > 0) throw new Error('it has rings, in which packets cannot wait: restart it');
  const queues = engine.deviceQueues();
  const devices = [{ name, attached }, ...marked].map((device, index) => ({
    ...device,
    queues: queues[index]?.length ?? 0,
  }));
  return { devices: { ...common, steering, role, devices }, descriptors: queues.flat() };
}
