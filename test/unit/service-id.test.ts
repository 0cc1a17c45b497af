/** Names of virtual services in paths of the control API. */
import { strict as assert } from 'node:assert';
import { parseServiceId, serviceId } from '../../lib/control/resource/service-id.js';
import { serviceName } from '../../lib/values/service-key.js';

describe('the id of a virtual service', () => {
  for (const id of ['tcp:192.0.2.1:80', 'udp:[2001:db8::1]:5000-5010', 'tcp:192.0.2.0/28:80', 'mark:7', 'mark6:7']) {
    it(`${id} may also be written as screens and logs show it`, () => {
      const service = parseServiceId(id);
      assert.deepEqual(parseServiceId(serviceName(service)), service);
      assert.equal(serviceId(service), id);
    });
  }

  for (const id of ['tcp  192.0.2.1:80', 'mark6 7', 'mark:7 IPv6', 'mark 7 IPv4', 'tcp 192.0.2.1', ' tcp:192.0.2.1:80'])
    it(`"${id}" names none`, () => {
      assert.throws(() => parseServiceId(id), /names no virtual service: /);
    });
});
