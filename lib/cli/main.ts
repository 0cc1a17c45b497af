#!/usr/bin/env node
import { runCli } from './program.js';
import { verbs } from './verbs/index.js';

const { stdin, stdout, stderr } = process;
// A reader that closes the pipe early, as in `tunvs replay ... | head`, has seen what it wanted.
stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));
void runCli(process.argv.slice(2), verbs, { stdin, stdout, stderr }).then((exitCode) => {
  process.exitCode = exitCode;
});
