/** Books of what is held: their form, and what happens to files that others have written to. */
import { strict as assert } from 'node:assert';
import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Entry, keyOf, readEntry } from '../../lib/host/holds/entry.js';
import { FileStore } from '../../lib/host/holds/file-store.js';
import { makePrivate, makeUnlisted } from '../../lib/host/holds/folder.js';
import { cleanUp } from '../../lib/host/holds/undo.js';
import { HostSetup } from '../../lib/host/host-setup.js';
import { setSysctl } from '../../lib/host/sysctl.js';
import { FakeHost } from '../support/fake-host.js';

const FORWARD: Entry = {
  command: { write: 'net/ipv4/ip_forward', value: '1' },
  undo: { write: 'net/ipv4/ip_forward', value: '0', onlyIf: '1' },
};

function route(name: string): Entry {
  return { command: { argv: ['ip', 'route', 'add', name] }, undo: { argv: ['ip', 'route', 'del', name] } };
}

describe('entries of books', () => {
  it('are read as they were written', () => {
    const also = [{ write: 'net/ipv6/conf/eth0/forwarding', value: '1' }];
    for (const entry of [FORWARD, route('a'), { ...FORWARD, undo: { ...FORWARD.undo, also } }])
      assert.deepEqual(readEntry(JSON.parse(JSON.stringify(entry))), entry);
  });

  const foreign: [string, unknown][] = [
    ['nothing', null],
    ['another program', { ...route('a'), undo: { argv: ['rm', '-r', '/'] } }],
    ['words that are none', { ...route('a'), undo: { argv: ['ip', 1] } }],
    ['a word with a line end', { ...route('a'), undo: { argv: ['ip', 'route\nlink'] } }],
    ['a file outside of net', { ...FORWARD, undo: { write: 'kernel/core_pattern', value: '0' } }],
    ['a way out of net', { ...FORWARD, undo: { write: 'net/../kernel/sysrq', value: '0' } }],
    ['a value that is not a number', { ...FORWARD, undo: { write: 'net/ipv4/ip_forward', value: '|/bin/sh' } }],
    [
      'a way out behind a good one',
      { ...FORWARD, undo: { ...FORWARD.undo, also: [{ write: 'net/./x', value: '0' }] } },
    ],
    ['no undo', { command: FORWARD.command }],
  ];
  for (const [what, value] of foreign) it(`are not ${what}`, () => assert.equal(readEntry(value), undefined));
});

describe('the folder of books', () => {
  let parent: string;
  let folder: string;

  beforeEach(() => {
    parent = mkdtempSync(join(tmpdir(), 'tunvs-holds-'));
    folder = join(parent, 'run', 'boot.1');
  });

  afterEach(() => rmSync(parent, { recursive: true, force: true }));

  /** Makes what a killed process has left. */
  function leave(store: FileStore, id: string, ...entries: Entry[]): void {
    store.locked(() => store.replace(id, new Map(entries.map((entry) => [keyOf(entry), entry]))));
  }

  it('is made for its user alone, and goes with the last book', () => {
    const store = new FileStore(folder);
    const book = store.locked(() => store.open());
    store.locked(() => book.add(keyOf(FORWARD), FORWARD));
    assert.deepEqual(
      new FileStore(folder).locked(() => new FileStore(folder).books().map(({ entries }) => [...entries.values()])),
      [[FORWARD]],
    );
    store.locked(() => book.remove(keyOf(FORWARD)));
    store.locked(() => book.end());
    assert.equal(existsSync(folder), false);
  });

  it('is refused when it is a link, not a folder, or open to others', () => {
    const run = join(parent, 'run');
    symlinkSync(tmpdir(), run);
    assert.throws(() => makePrivate(run), /is not a folder/);
    rmSync(run);
    writeFileSync(run, '');
    assert.throws(() => makePrivate(run), /is not a folder/);
    rmSync(run);
    mkdirSync(run);
    chmodSync(run, 0o777);
    assert.throws(() => makePrivate(run), /is writable for others/);
  });

  it('lets others pass through the folder above it, where control sockets lie, but neither write nor list', () => {
    const run = join(parent, 'run');
    const modeOf = () => statSync(run).mode & 0o7777;
    makeUnlisted(run);
    assert.equal(modeOf(), 0o700);
    for (const [before, after] of [
      [0o711, 0o711],
      [0o755, 0o711],
      [0o740, 0o700],
    ] as const) {
      chmodSync(run, before);
      makeUnlisted(run);
      assert.equal(modeOf(), after, before.toString(8));
    }
    chmodSync(run, 0o733);
    assert.throws(() => makeUnlisted(run), /is writable for others/);
  });

  it('tells the living from the dead', () => {
    const [one, other] = [new FileStore(folder), new FileStore(folder)];
    const book = one.locked(() => one.open());
    leave(one, 'dead', route('a'));
    const alive = () => other.locked(() => other.books().map(({ id, isAlive }) => [id, isAlive()]));
    assert.deepEqual(
      new Map(alive() as [string, boolean][]),
      new Map([
        [book.id, true],
        ['dead', false],
      ]),
    );
    one.locked(() => book.end());
  });

  it('loses nothing of a journal whose end is cut off, and takes nothing from what is not a journal', () => {
    const store = new FileStore(folder);
    leave(store, 'dead', FORWARD, route('a'));
    const journal = join(folder, 'dead.journal');
    appendFileSync(
      journal,
      'garbage\n{"add":{"undo":{"argv":["reboot"]}}}\n[]\n{"add":{"command":{"argv":["ip","x"]},"un',
    );
    const host = new FakeHost({ sysctls: { 'net/ipv4/ip_forward': '1' } });
    assert.deepEqual(
      store.locked(() => cleanUp(store, host)),
      [],
    );
    assert.deepEqual(host.ran, ['ip route del a', 'echo 0 > /proc/sys/net/ipv4/ip_forward']);
    assert.equal(existsSync(journal), false);
  });

  it('is cleaned up with few runs of ip(8), however much the dead have made', () => {
    const store = new FileStore(folder);
    const routes = Array.from({ length: 100 }, (_, index) => route(`r${index}`));
    leave(store, 'dead', ...routes);
    const host = new FakeHost();
    assert.deepEqual(
      store.locked(() => cleanUp(store, host)),
      [],
    );
    assert.equal(host.runs, 1);
    assert.deepEqual([host.ran.length, host.ran[0]], [100, 'ip route del r99']);
  });

  it('follows no link that lies there', () => {
    const store = new FileStore(folder);
    leave(store, 'dead', route('a'));
    const victim = join(parent, 'victim');
    writeFileSync(victim, `${JSON.stringify({ add: route('b') })}\n`);
    symlinkSync(victim, join(folder, 'planted.journal'));
    const host = new FakeHost();
    store.locked(() => cleanUp(store, host));
    assert.deepEqual(host.ran, ['ip route del a']);
    assert.ok(existsSync(victim));
  });

  it('keeps what the living hold when the dead are cleaned up', () => {
    const store = new FileStore(folder);
    const book = store.locked(() => store.open());
    store.locked(() => book.add(keyOf(FORWARD), FORWARD));
    leave(store, 'dead', FORWARD, route('a'));
    const host = new FakeHost({ sysctls: { 'net/ipv4/ip_forward': '1' } });
    store.locked(() => cleanUp(store, host));
    assert.deepEqual(host.ran, ['ip route del a']);
    store.locked(() => book.end());
  });

  it('keeps what another of the dead has, when one is cleaned up whose successor was killed as well', () => {
    const store = new FileStore(folder);
    leave(store, 'first', FORWARD, route('a'), route('b'));
    leave(store, 'second', FORWARD, route('b'), route('c'));
    const host = new FakeHost({ sysctls: { 'net/ipv4/ip_forward': '1' } });
    const clean = (of: string) => store.locked(() => cleanUp(store, host, { of }));
    assert.deepEqual(clean('first'), []);
    assert.deepEqual(host.ran, ['ip route del a']);
    assert.deepEqual(clean('second'), []);
    assert.deepEqual(host.ran.slice(1), ['ip route del c', 'ip route del b', 'echo 0 > /proc/sys/net/ipv4/ip_forward']);
  });

  it('is written anew when most of a journal is of what is gone', () => {
    const store = new FileStore(folder);
    const book = store.locked(() => store.open());
    store.locked(() => {
      for (let round = 0; round < 3000; round++) {
        book.add(keyOf(route('a')), route('a'));
        book.remove(keyOf(route('a')));
      }
      book.add(keyOf(route('b')), route('b'));
    });
    const other = new FileStore(folder);
    assert.deepEqual(
      other.locked(() => [...(other.books()[0]?.entries.values() ?? [])]),
      [route('b')],
    );
    assert.deepEqual(
      readdirSync(folder).filter((name) => name.endsWith('.new')),
      [],
    );
    store.locked(() => book.end());
  });
});

describe('holders of one host', () => {
  it('restore what was before the first of them, whoever ends last', () => {
    for (const order of [
      [0, 1],
      [1, 0],
    ]) {
      const host = new FakeHost({ sysctls: { 'net/ipv4/ip_forward': '0' } });
      const setups = [new HostSetup(host), new HostSetup(host)];
      for (const setup of setups) setup.apply(setSysctl(host, 'net/ipv4/ip_forward', '1', 'forward'));
      setups[order[0] as number]?.undo();
      assert.equal(host.readSysctl('net/ipv4/ip_forward'), '1');
      setups[order[1] as number]?.undo();
      assert.equal(host.readSysctl('net/ipv4/ip_forward'), '0');
    }
  });

  it('hand a value over to the one that goes on with another', () => {
    const path = 'net/ipv4/conf/eth0/rp_filter';
    const host = new FakeHost({ sysctls: { [path]: '1' } });
    const [first, second] = [new HostSetup(host), new HostSetup(host)];
    first.apply(setSysctl(host, path, '0', 'off'));
    second.apply(setSysctl(host, path, '2', 'loose'));
    second.undo();
    assert.equal(host.readSysctl(path), '0');
    first.undo();
    assert.equal(host.readSysctl(path), '1');
  });
});
