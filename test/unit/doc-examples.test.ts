/** The examples in doc comments; those that open a device run in netns/doc-examples.test.ts. */
import { strict as assert } from 'node:assert';
import { execFileSync } from 'node:child_process';
import {
  type CompiledExamples,
  compileExamples,
  docExamples,
  examplesOf,
  referencePages,
} from '../support/doc-examples.js';

const examples = docExamples();

describe('the examples in doc comments', function () {
  this.timeout(120_000);
  let compiled: CompiledExamples;

  before(() => {
    compiled = compileExamples(examples);
  });

  after(() => compiled?.dispose());

  it('are found', () => {
    const names = examples.map(({ name }) => name.replace(/.* /, ''));
    for (const name of ['Director', 'OfflineDirector', 'VirtualService', 'RealServer', 'tablePolicy', 'explain'])
      assert.ok(names.includes(name), `${name} has none`);
  });

  it('stand in docs/reference as they are; else run "npm run docs"', () => {
    const pages = referencePages();
    assert.deepEqual(
      examples.filter(({ code }) => !pages.includes(`\`\`\`ts\n${code}\`\`\``)).map(({ name }) => name),
      [],
    );
  });

  for (const example of examples) {
    it(`${example.name}: compiles`, () => assert.deepEqual(compiled.mistakes(example), []));
  }

  for (const example of examples.filter(({ opensDevice }) => !opensDevice)) {
    it(`${example.name}: runs and prints what it says`, () => {
      const printed = execFileSync(process.execPath, [compiled.program(example)], {
        encoding: 'utf8',
        timeout: 30_000,
      });
      assert.deepEqual(printed.split('\n').slice(0, -1), example.prints);
    });
  }
});

describe('an example in a doc comment', () => {
  const source = (code: string) =>
    `/**\n * Does it.\n *\n * @example\n * \`\`\`ts\n * ${code}\n * \`\`\`\n */\nexport function f() {}`;

  it('is what stands between the fences, named by what the comment is about', () => {
    const [example] = examplesOf('lib/f.ts', source('console.log(1 + 1); // 2'));
    assert.deepEqual(example, {
      name: 'lib/f.ts f',
      code: 'console.log(1 + 1); // 2\n',
      opensDevice: false,
      prints: ['2'],
    });
  });

  it('that is wrong about a type does not compile', () => {
    const wrong = examplesOf('lib/f.ts', source("import { Director } from 'tunvs'; Director.offline({ source: 1 });"));
    const compiled = compileExamples(wrong);
    try {
      assert.match(compiled.mistakes(wrong[0] ?? assert.fail())[0] ?? '', /error TS2322/);
    } finally {
      compiled.dispose();
    }
  }).timeout(120_000);
});
