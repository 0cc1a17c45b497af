/** What is said last when the native part cannot be compiled, by what node-gyp and the compiler have written. */
import { strict as assert } from 'node:assert';

interface Failed {
  output: string;
  isConfiguring?: boolean;
  logPath?: string;
}

const { compileFailure } = (await import(new URL('../../../scripts/lib/compile-failure.js', import.meta.url).href)) as {
  compileFailure: (failed: Failed) => Error;
};

const HEADERS = /the headers of node v\S+ are not on this machine/;
const CXX20 = /the compiler does not know C\+\+20/;
const MEMORY = /the compiler ran out of memory/;
const DISK = /the disk is full/;
const UNKNOWN = /the compiler or node-gyp failed/;

const CONFIGURING: [string, RegExp][] = [
  ['gyp ERR! stack Error: Could not find any Python installation to use', /no Python that node-gyp can use/],
  ['gyp ERR! stack Error: getaddrinfo ENOTFOUND nodejs.org', HEADERS],
  ["gyp ERR! stack   code: 'ECONNREFUSED',", HEADERS],
  ['gyp ERR! stack TypeError: fetch failed', HEADERS],
  ['gyp ERR! stack is related to network connectivity. In most cases you are behind a proxy', HEADERS],
  ['gyp WARN install got an error, rolling back install\ngyp ERR! stack Error: bad port', HEADERS],
  ['gyp WARN install got an error, rolling back install\ngyp ERR! stack Error: ENOSPC: no space left', DISK],
  ['gyp info find Python using "/usr/bin/python3"\ngyp ERR! cwd /home/me/network/app', UNKNOWN],
  ['gyp ERR! cwd /home/me/ECONNRESET/app', UNKNOWN],
  ["gyp ERR! stack Error: ENOSPC: no space left on device, mkdir '/project/build'", DISK],
];

const COMPILING: [string, RegExp][] = [
  ["g++: error: unrecognized command line option '-std=c++20'; did you mean '-std=c++2a'?", CXX20],
  ["g++: error: unrecognized command line option '-std=gnu++20'", CXX20],
  ["error: invalid value 'c++20' in '-std=c++20'", CXX20],
  ['inet.h:3:10: fatal error: span: No such file or directory', CXX20],
  ["inet.h:3:10: fatal error: 'concepts' file not found", CXX20],
  ['g++: fatal error: Killed signal terminated program cc1plus', MEMORY],
  ['g++: internal compiler error: Killed (program cc1plus)', MEMORY],
  ['clang++: error: unable to execute command: Killed', MEMORY],
  ['Killed', MEMORY],
  ['make: *** [tunvs.target.mk:1: inet.o] Killed', MEMORY],
  ['virtual memory exhausted: Cannot allocate memory', MEMORY],
  ['cc1plus: out of memory allocating 65536 bytes', MEMORY],
  ['inet.cc:1: fatal error: error writing to /tmp/cc.s: No space left on device', DISK],
  ['/home/me/network/native/inet.cc:3: error: expected a semicolon', UNKNOWN],
  ['/home/me/Killed by death/native/inet.cc:3: error: expected a semicolon', UNKNOWN],
  ['inet.cc:3: internal compiler error: Segmentation fault', UNKNOWN],
  ['unix.cc:3:10: error: use of undeclared identifier ECONNRESET', UNKNOWN],
  ['inet.h:3:10: fatal error: bits/wordsize.h: No such file or directory', UNKNOWN],
  ["inet.cc:7: error: expected a semicolon\n    7 |   return 'Killed by out of memory'", UNKNOWN],
  [
    "/home/me/network/inet.cc:1: note: here\ng++: error: unrecognized command line option '-std=c++20'\nETIMEDOUT",
    CXX20,
  ],
];

describe('the sentence about a native part that could not be compiled', () => {
  for (const [output, sentence] of CONFIGURING) {
    it(`is made of what node-gyp writes: ${output.split('\n').at(-1)}`, () =>
      assert.match(compileFailure({ output, isConfiguring: true }).message, sentence));
  }

  for (const [output, sentence] of COMPILING) {
    it(`is made of what the compiler writes: ${output.split('\n')[0]}`, () =>
      assert.match(compileFailure({ output }).message, sentence));
  }

  it('names the file with the output, where there is one', () => {
    assert.match(
      compileFailure({ output: '', logPath: '/tmp/gyp.log' }).message,
      /; the output of .* \/tmp\/gyp\.log$/,
    );
    assert.doesNotMatch(compileFailure({ output: '' }).message, /output of node-gyp/);
  });
});
