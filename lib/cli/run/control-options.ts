/** The options of the doors of `tunvs run`: its control socket, and HTTP when asked for. */
import type { Command } from 'commander';
import { UsageError } from '../verb.js';

export interface ControlArguments {
  /** False with `--no-control`. */
  control?: boolean;
  controlSocket?: string;
  controlGroup?: string;
  http?: { host: string; port: number };
  readToken?: string;
  writeToken?: string;
}

export function addControlOptions(command: Command): Command {
  return command
    .option('--control-socket <path>', 'path of the control socket (default: /run/tunvs/NAME.sock)')
    .option('--control-group <group>', 'group whose members may use the control socket too (default: none)')
    .option('--no-control', 'open no control socket')
    .option('--http <host:port>', 'serve the control API on TCP as well, as on 127.0.0.1:9480', placeArgument)
    .option('--read-token <file>', 'file with the token that may read by --http')
    .option('--write-token <file>', 'file with the token that may read and write by --http');
}

function placeArgument(text: string): { host: string; port: number } {
  const [, bracketed, plain, port = ''] = /^(?:\[([^\]]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(text) ?? [];
  const host = bracketed ?? plain;
  if (host === undefined || Number(port) > 65535)
    throw new UsageError(`--http ${text}: it is no place to listen at: write HOST:PORT, as in 127.0.0.1:9480`);
  return { host, port: Number(port) };
}
