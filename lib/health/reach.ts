/** How the checks of a monitor reach real servers. */
import type { Director } from '../director/director.js';
import type { Reach } from './probe.js';
import { addressWay } from './way/address-way.js';

/** Every check goes to the server's own address until the way by the virtual address is there. */
export function reachBy(_director: Director): Reach {
  return async (check, server, _how, signal) => {
    const { address, port, service } = server;
    return check.run({ server, way: addressWay({ address, port: port || service.port }), signal });
  };
}
