/** How the programs of lookup trials are compiled, and what is made of their times. */
import { strict as assert } from 'node:assert';
import { existsSync } from 'node:fs';
import { figures } from '../../bench/subjects/lookup.js';
import { compilerArguments, missingLibrary, type TableName, tables } from '../../bench/subjects/lookup/tables.js';
import { HERE } from '../../bench/trial-process.js';
import { selectTrials } from '../../bench/trials.js';

describe('lookup trials', () => {
  it('run when named', () => {
    const names = (...words: string[]) => selectTrials(words).map(({ name }) => name);
    assert.deepEqual(names('lookup'), ['lookup 1M', 'lookup 8M']);
    assert.ok(!names().includes('lookup 1M'));
  });

  it('name the package of a library that is missing, and need none for tunvs', () => {
    const nothing = () => false;
    assert.equal(missingLibrary('tunvs', tables.tunvs, nothing, nothing), undefined);
    assert.equal(
      missingLibrary('rteHash', tables.rteHash, nothing, nothing),
      'there is no library for rteHash; install it with "apt-get install pkg-config dpdk-dev"',
    );
    assert.match(missingLibrary('boost', tables.boost, nothing, nothing) ?? '', /libboost1\.81-dev"$/);
    assert.equal(
      missingLibrary('absl', tables.absl, (library) => library === 'absl_flat_hash_map', nothing),
      undefined,
    );
    assert.equal(
      missingLibrary('boost', tables.boost, nothing, (header) => header.startsWith('boost/')),
      undefined,
    );
  });

  it('compile files that are there, and link what the table needs', () => {
    for (const name of Object.keys(tables) as TableName[]) {
      const args = compilerArguments(HERE, name, '/x', ['-march=corei7'], ['-L/y', '-lmany']);
      const files = args.filter((each) => each.endsWith('.cc'));
      assert.deepEqual(
        files.filter((file) => !existsSync(file)),
        [],
      );
      assert.ok(files.some((file) => file.endsWith('table/conn_table.cc')));
      assert.ok(!files.some((file) => file.endsWith('_test.cc')));
      assert.equal(args[args.indexOf('-o') + 1], '/x');
      assert.ok(args.includes('-march=corei7') && args.includes('-L/y'));
      assert.equal(args.includes('-lmany'), name !== 'rteHash');
      assert.equal(args.includes('-lrte_hash'), name === 'rteHash');
    }
  });

  it('say how many times as fast the table of tunvs is', () => {
    assert.deepEqual(figures({ tunvs: 20, rteHash: 30, ceiling: 10 }), {
      tunvsNsPerLookup: 20,
      rteHashNsPerLookup: 30,
      ceilingNsPerLookup: 10,
      ratioToRteHash: 1.5,
      ratioToCeiling: 0.5,
    });
    assert.throws(() => figures({ rteHash: 30 }), /no time of tunvs/);
  });
});
