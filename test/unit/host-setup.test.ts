import { strict as assert } from 'node:assert';
import { HostSetup } from '../../lib/host/host-setup.js';
import type { HostStep } from '../../lib/host/step.js';
import { setSysctl } from '../../lib/host/sysctl.js';
import { FakeHost } from '../support/fake-host.js';

function step(name: string): HostStep {
  return { description: name, command: { argv: ['ip', 'add', name] }, undo: { argv: ['ip', 'del', name] } };
}

describe('HostSetup', () => {
  it('undoes in reverse order', () => {
    const host = new FakeHost();
    const setup = new HostSetup(host);
    setup.apply([step('a'), step('b')]);
    setup.apply([step('c')]);
    assert.deepEqual(setup.undo(), []);
    assert.deepEqual(host.ran, ['ip add a', 'ip add b', 'ip add c', 'ip del c', 'ip del b', 'ip del a']);
  });

  it('undoes each step once', () => {
    const host = new FakeHost();
    const setup = new HostSetup(host);
    setup.apply([step('a')]);
    setup.undo();
    setup.undo();
    assert.deepEqual(host.ran, ['ip add a', 'ip del a']);
  });

  it('undoes only the steps that are asked for', () => {
    const host = new FakeHost();
    const setup = new HostSetup(host);
    const vip = [step('route'), step('neighbour')];
    setup.apply([step('device')]);
    setup.apply(vip);
    setup.undo(vip);
    assert.deepEqual(host.ran.slice(3), ['ip del neighbour', 'ip del route']);
    setup.undo();
    assert.deepEqual(host.ran.slice(5), ['ip del device']);
  });

  it('rolls back what was done when a step fails, and throws its error', () => {
    const host = new FakeHost();
    host.failing = 'add c';
    const setup = new HostSetup(host);
    setup.apply([step('a')]);
    assert.throws(() => setup.apply([step('b'), step('c'), step('d')]), /"ip add c" failed/);
    assert.deepEqual(host.ran, ['ip add a', 'ip add b', 'ip del b']);
    setup.undo();
    assert.deepEqual(host.ran.at(-1), 'ip del a');
  });

  it('returns what could not be undone and goes on with the rest', () => {
    const host = new FakeHost();
    const setup = new HostSetup(host);
    setup.apply([step('a'), step('b')]);
    host.failing = 'del b';
    const failures = setup.undo();
    assert.deepEqual(
      failures.map((failure) => failure.message),
      ['"ip del b" failed'],
    );
    assert.equal(host.ran.at(-1), 'ip del a');
  });

  it('takes it as undone when the device has gone already', () => {
    const host = new FakeHost();
    const setup = new HostSetup(host);
    setup.apply([step('a')]);
    host.run = () => {
      throw new Error('"ip del a" failed: Cannot find device "tunvs0"');
    };
    assert.deepEqual(setup.undo(), []);
  });

  it('gives a sysctl its old value back', () => {
    const host = new FakeHost({ sysctls: { 'net/ipv4/ip_forward': '0' } });
    const setup = new HostSetup(host);
    setup.apply(setSysctl(host, 'net/ipv4/ip_forward', '1', 'forward'));
    assert.equal(host.readSysctl('net/ipv4/ip_forward'), '1');
    setup.undo();
    assert.equal(host.readSysctl('net/ipv4/ip_forward'), '0');
  });

  it('leaves a sysctl alone that somebody else has changed since', () => {
    const host = new FakeHost({ sysctls: { 'net/ipv4/ip_forward': '0' } });
    const setup = new HostSetup(host);
    setup.apply(setSysctl(host, 'net/ipv4/ip_forward', '1', 'forward'));
    host.sysctls.set('net/ipv4/ip_forward', '2');
    setup.undo();
    assert.equal(host.readSysctl('net/ipv4/ip_forward'), '2');
  });

  it('neither sets nor restores a sysctl that is right already', () => {
    const host = new FakeHost({ sysctls: { 'net/ipv4/ip_forward': '1' } });
    assert.deepEqual(setSysctl(host, 'net/ipv4/ip_forward', '1', 'forward'), []);
  });
});
