/** One host of a lab: a network namespace, and the programs that run in it. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { type DeviceCounters, parseDeviceCounters } from '../host/device-counters.js';
import { withDeathSignal } from './death-signal.js';
import { runDetached } from './detached.js';
import { LabProcess, type ProcessExit } from './lab-process.js';

export interface ExecResult extends ProcessExit {
  stdout: string;
  stderr: string;
}

export interface ExecOptions {
  input?: string;
  timeoutMs?: number;
}

export class LabHost {
  /** The host's name in its lab. */
  readonly name: string;
  /** The name that `ip netns` knows. */
  readonly namespace: string;
  readonly #processes = new Set<LabProcess>();

  constructor(name: string, namespace: string) {
    this.name = name;
    this.namespace = namespace;
  }

  /** Returns the command that runs `argv` in this host. */
  command(argv: readonly string[]): string[] {
    return ['ip', 'netns', 'exec', this.namespace, ...argv];
  }

  /** Runs a program to its end; throws with its output when it fails. */
  async exec(argv: readonly string[], options: ExecOptions = {}): Promise<ExecResult> {
    const result = await this.tryExec(argv, options);
    if (result.code !== 0) {
      throw new Error(
        `${this.name}: "${argv.join(' ')}" failed (code ${result.code}, signal ${result.signal})\n${result.stdout}${result.stderr}`,
      );
    }
    return result;
  }

  async tryExec(argv: readonly string[], { input = '', timeoutMs = 30_000 }: ExecOptions = {}): Promise<ExecResult> {
    const [file = '', ...rest] = this.command(argv);
    const child = spawn(file, rest, { stdio: 'pipe', detached: true, timeout: timeoutMs, killSignal: 'SIGKILL' });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    child.stdin.on('error', () => {});
    child.stdin.end(input);
    const [code, signal] = await once(child, 'close');
    return { code, signal, stdout, stderr };
  }

  /** Starts a program that goes on running; the lab ends it. */
  spawn(argv: readonly string[], environment: NodeJS.ProcessEnv = {}): LabProcess {
    // It ends with its lab's process, even if that is killed: in a user namespace nobody could remove it later.
    const child = new LabProcess([...withDeathSignal(), ...this.command(argv)], environment);
    this.#processes.add(child);
    void child.exited.then(() => this.#processes.delete(child));
    return child;
  }

  /** Starts a Node program: `script` is a path or a `file:` URL. */
  node(script: string | URL, args: readonly string[] = []): LabProcess {
    return this.spawn([process.execPath, script instanceof URL ? script.pathname : script, ...args]);
  }

  /** Runs commands of ip(8), without the word `ip`, as one batch: the first that fails ends it. */
  ip(commands: readonly string[]): void {
    runIp(['-n', this.namespace, '-batch', '-'], `${commands.join('\n')}\n`);
  }

  /** Writes values below /proc/sys/. */
  async setSysctls(values: Record<string, string>): Promise<void> {
    const lines = Object.entries(values).map(([path, value]) => `echo ${value} > /proc/sys/${path}`);
    await this.exec(['sh', '-ec', lines.join('\n')]);
  }

  async sysctl(path: string): Promise<string> {
    return (await this.exec(['cat', `/proc/sys/${path}`])).stdout.trim();
  }

  /** Returns undefined when there is no such device. */
  async deviceCounters(device: string): Promise<DeviceCounters | undefined> {
    return parseDeviceCounters((await this.exec(['cat', '/proc/net/dev'])).stdout, device);
  }

  async hasDevice(device: string): Promise<boolean> {
    return (await this.deviceCounters(device)) !== undefined;
  }

  /** Ends every program that was started here and still runs. */
  async stopAll(): Promise<void> {
    await Promise.all([...this.#processes].map((child) => child.stop()));
  }

  /** Does the same from an `exit` handler, which cannot wait for anything. */
  killAll(): void {
    for (const child of this.#processes) child.kill('SIGKILL');
  }
}

export function runIp(args: readonly string[], input = ''): string {
  const { status, stdout, stderr, error } = runDetached('ip', args, { input, timeout: 20_000 });
  if (status !== 0) throw new Error(`"ip ${args.join(' ')}" failed: ${error?.message ?? stderr.trim()}\n${input}`);
  return stdout;
}
