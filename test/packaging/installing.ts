/** npm as a user runs it: packing this checkout, and installing the package into an empty project. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

export const root = dirname(createRequire(import.meta.url).resolve('tunvs/package.json'));

/** What npm hands to the scripts that it runs would steer the npm that these tests run. */
export function cleanEnvironment(): NodeJS.ProcessEnv {
  const ours = Object.entries(process.env).filter(
    ([name]) => !/^npm_(?!config_(?:cache|registry|nodedir)$)/.test(name),
  );
  const prefix = dirname(dirname(process.execPath));
  const hasHeaders = existsSync(join(prefix, 'include', 'node', 'node_api.h'));
  return { ...Object.fromEntries(ours), ...(hasHeaders && { npm_config_nodedir: prefix }) };
}

export interface Ran {
  status: number | null;
  stdout: string;
  stderr: string;
}

/** Runs a program to its end, whatever that is. */
export function tryRun(folder: string, env: NodeJS.ProcessEnv, command: string, ...args: string[]): Ran {
  const { status, stdout, stderr, error } = spawnSync(command, args, { cwd: folder, env, encoding: 'utf8' });
  if (error) throw error;
  return { status, stdout, stderr };
}

/** The same of a program that has to succeed; what it wrote to stdout. */
export function run(folder: string, command: string, ...args: string[]): string {
  const { status, stdout, stderr } = tryRun(folder, cleanEnvironment(), command, ...args);
  if (status !== 0) throw new Error(`${command} ${args.join(' ')}: exit code ${status}\n${stdout}\n${stderr}`);
  return stdout;
}

export interface Packed {
  path: string;
  files: string[];
}

/** Packs the checkout, or the package in `source`, or what `what` names, into `folder`. */
export function pack(folder: string, source = root, ...what: string[]): Packed {
  const args = ['pack', ...what, '--json', '--foreground-scripts=false', '--pack-destination', folder];
  const listed = JSON.parse(run(source, 'npm', ...args)) as [{ filename: string; files: { path: string }[] }];
  return { path: join(folder, listed[0].filename), files: listed[0].files.map((entry) => entry.path) };
}

/** A folder with an empty project in it. */
export function emptyProject(): string {
  const folder = mkdtempSync(join(tmpdir(), 'tunvs-package-'));
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'user', private: true, type: 'module' }));
  return folder;
}

export const INSTALL = ['install', '--no-audit', '--no-fund'];

/** Why the prebuilt binaries are not there, or are of other sources; undefined when they are as they should be. */
export async function prebuiltProblem(): Promise<string | undefined> {
  const { prebuiltProblem: problem } = (await import(join(root, 'scripts', 'lib', 'prebuilt.js'))) as {
    prebuiltProblem: () => string | undefined;
  };
  return problem();
}
