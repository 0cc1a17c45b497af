/** Reads rules from a file or from standard input and checks them against what the engine was built with. */
import { readFile } from 'node:fs/promises';
import { RulesError } from '../rules/errors.js';
import { parseRules, type RuleLine } from '../rules/parse-rules.js';
import type { CliIo } from './verb.js';

export interface RulesFileOptions {
  /** `-` is standard input. */
  file: string;
  /** Whether `@SECONDS` may stand before a rule. */
  isTimed: boolean;
}

export async function readRules({ file, isTimed }: RulesFileOptions, io: CliIo): Promise<RuleLine[]> {
  const text = file === '-' ? await readAll(io.stdin) : await readNamed(file);
  const [{ native }, { inertSysctlWarning }] = await Promise.all([
    import('../native/addon.js'),
    import('../values/inert-sysctls.js'),
  ]);
  const lines = parseRules(text, { file, support: native, isTimed });
  for (const { place, rule, warnings } of lines) {
    const inert = rule.command === 'sysctl' ? inertSysctlWarning(rule.name) : undefined;
    for (const warning of inert === undefined ? warnings : [...warnings, inert])
      io.stderr.write(`${place.file}:${place.line}: ${warning}\n`);
  }
  return lines;
}

async function readNamed(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const why = { ENOENT: 'there is no such file', EISDIR: 'it is a folder', EACCES: 'you may not read it' }[
      code ?? ''
    ];
    throw new RulesError(
      `--rules ${file}: ${why ?? (error as Error).message}; name a file of rules as ipvsadm -S -n prints them`,
    );
  }
}

async function readAll(stream: NodeJS.ReadableStream): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks).toString('utf8');
}
