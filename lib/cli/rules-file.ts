/** Reads rules from a file or from standard input and checks them against what the engine was built with. */
import { readFile } from 'node:fs/promises';
import { parseRules, type RuleLine } from '../rules/parse-rules.js';
import { reading } from './files.js';
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

function readNamed(file: string): Promise<string> {
  const mend = 'name a file of rules as ipvsadm -S -n prints them';
  return reading({ option: '--rules', file, mend }, () => readFile(file, 'utf8'));
}

async function readAll(stream: NodeJS.ReadableStream): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks).toString('utf8');
}
