/** What a configuration file says of health: how servers are checked, and what follows. */
import { z } from 'zod';
import { onStandbyChoices } from '../../health/options.js';
import { MAX_INT32, MAX_UINT32 } from '../../values/options.js';
import { checkSchema } from './checks.js';
import { duration } from './quantity.js';

const DAY_MS = 86_400_000;
const share = (least: number) => z.number().min(least).max(1);

/** They stand beside a check of a list, in a server's health, in a service's, and at the top of the file. */
const timing = {
  interval: duration(10, DAY_MS)
    .optional()
    .describe('Sets the time from the beginning of a check to that of the next, as in 2s. The default is 2s.'),
  downInterval: duration(10, DAY_MS)
    .optional()
    .describe('Sets the same while the server is down. The default is interval.'),
  timeout: duration(1, DAY_MS)
    .optional()
    .describe('Sets how long a check may take. The default is 1s, or the interval if that is less.'),
  retries: z
    .int()
    .min(0)
    .max(100)
    .optional()
    .describe('Sets how many more attempts a server that is up has before one failure counts. The default is 1.'),
  retryDelay: duration(0, DAY_MS).optional().describe('Sets the time between such attempts. The default is 500ms.'),
  rise: z
    .int()
    .min(1)
    .max(1000)
    .optional()
    .describe('Sets how many checks in a row have to pass before a server that is down is up. The default is 2.'),
  fall: z
    .int()
    .min(1)
    .max(1000)
    .optional()
    .describe(
      'Sets how many checks in a row have to fail, with their retries, before a server is down. It is 1 at first.',
    ),
  jitter: share(0).optional().describe('Sets the part of the interval by which it is varied. The default is 0.1.'),
  warmUp: duration(0, DAY_MS)
    .optional()
    .describe('Sets the time over which the first checks are spread. The default is interval.'),
  start: z
    .enum(['up', 'down'])
    .optional()
    .describe("Says how a server counts before its first check. The default is 'up'."),
  via: z
    .enum(['vip', 'address', 'both'])
    .optional()
    .describe(
      "Says whether checks go to the virtual address through the tunnel, to the server's own, or to both. The default is 'vip'.",
    ),
};

const timedCheck = z.strictObject({
  check: checkSchema.describe('Says what is asked.'),
  name: z
    .string()
    .min(1)
    .max(64)
    .optional()
    .describe('Names the check where its results are shown. The default is its kind.'),
  isAgent: z
    .boolean()
    .optional()
    .describe(
      "Says whether the check's silence leaves the server as it is, as that of an agent. The default is false.",
    ),
  ...timing,
});

const program = z.array(z.string().min(1)).min(1).max(256);

/** The short form is the program with its arguments. */
const command = z.union([
  program,
  z.strictObject({
    command: program.describe('Names the program and its arguments. No shell is between.'),
    timeout: duration(1, DAY_MS).optional().describe('Sets when it is killed with its children. The default is 30s.'),
    uid: z
      .int()
      .min(0)
      .max(MAX_UINT32 - 1)
      .optional()
      .describe("Sets the user that it runs as. The default is the director's own."),
    gid: z
      .int()
      .min(0)
      .max(MAX_UINT32 - 1)
      .optional()
      .describe("Sets the group that it runs as. The default is the director's own."),
  }),
]);

const serverNotify = {
  up: command.optional().describe('Runs when a server has come up.'),
  down: command.optional().describe('Runs when a server has gone down.'),
};

const serviceNotify = z.strictObject({
  ...serverNotify,
  quorumUp: command.optional().describe('Runs when the service has its quorum again.'),
  quorumDown: command.optional().describe('Runs when the service has lost its quorum.'),
});

const webhook = z.strictObject({
  url: z
    .string()
    .regex(/^https?:\/\/./)
    .meta({ title: 'a URL that begins with http:// or https://' })
    .describe('Sets where each piece of news is sent, as JSON by POST.'),
  headers: z
    .record(
      z
        .string()
        .regex(/^[!#$%&'*+.^_`|~\w-]+$/)
        .meta({ title: 'the name of a header field' }),
      z
        .string()
        .regex(/^[\t\x20-\x7e\x80-\xff]*$/)
        .meta({ title: 'a value without control characters' }),
    )
    .optional()
    .describe('Adds header fields, such as one with a token.'),
  timeout: duration(1, DAY_MS).optional().describe('Sets how long one attempt may take. The default is 5s.'),
  retries: z.int().min(0).max(100).optional().describe('Sets how many more attempts there are. The default is 5.'),
  retryDelay: duration(0, DAY_MS)
    .optional()
    .describe('Sets the time before the second attempt; each later wait is twice the one before. The default is 1s.'),
  queue: z
    .int()
    .min(1)
    .max(1_000_000)
    .optional()
    .describe('Sets how many pieces of news may wait. The default is 1000.'),
  ca: z
    .string()
    .min(1)
    .optional()
    .describe("Names the file of certificates that may sign the receiver's, relative to this file."),
});

const notify = z.strictObject({
  script: command
    .optional()
    .describe("Runs for each piece of news; the words of keepalived's FIFO follow its arguments."),
  fifo: z.string().min(1).optional().describe("Names the pipe that gets keepalived's lines, relative to this file."),
  webhook: webhook.optional().describe('Sends each piece of news to a URL.'),
  initial: z
    .boolean()
    .optional()
    .describe('Says whether servers that come up by their first check are told. The default is false.'),
});

const failOpen = z.strictObject({
  above: z
    .number()
    .gt(0)
    .lt(1)
    .describe("Sets the share of servers above which failures at once are taken for the director's own."),
  window: duration(1, DAY_MS)
    .optional()
    .describe('Sets the time within which failures are at once. The default is the longest interval plus timeout.'),
});

const positive = (name: string, fallback: number) =>
  z.int().min(1).max(MAX_INT32).optional().describe(`${name} The default is ${fallback}.`);

const damping = z.strictObject({
  penalty: positive('Sets what each going down adds to the penalty.', 1000),
  suppressAbove: positive('Sets the penalty above which a server is held down although it passes.', 3000),
  reuseBelow: positive('Sets the penalty below which it may be up again.', 1000),
  halfLife: duration(1, DAY_MS).optional().describe('Sets the time in which the penalty halves. The default is 60s.'),
  maxSuppress: duration(1, DAY_MS)
    .optional()
    .describe(
      'Sets the longest time that a server is held down. The default is 300s. It bounds the penalty to reuseBelow * 2 ** (maxSuppress / halfLife), which has to be more than suppressAbove.',
    ),
});

const observe = z.strictObject({
  period: duration(100, DAY_MS).optional().describe('Sets the length of a period. The default is 1s.'),
  least: z
    .int()
    .min(1)
    .max(MAX_INT32)
    .optional()
    .describe('Sets the least number of troubles in a period that counts. The default is 3.'),
  share: z
    .number()
    .gt(0)
    .max(1)
    .optional()
    .describe("Sets the least part that troubles are of the period's new connections. The default is 0.5."),
  failAfter: z
    .int()
    .min(0)
    .max(1000)
    .optional()
    .describe('Sets how many such periods in a row fail the server. 0, the default, is never.'),
});

const port = z
  .int()
  .min(1)
  .max(65535)
  .optional()
  .describe("Sets the port that the checks ask, unless a check has its own. The default is the service's port.");

const checks = {
  check: checkSchema.optional().describe('Says what is asked of each server.'),
  checks: z
    .array(timedCheck)
    .min(1)
    .max(32)
    .optional()
    .describe('Lists several checks, in place of check. A server is up when all of them say so.'),
  port,
};

const consequences = {
  inhibit: z
    .boolean()
    .optional()
    .describe('Says whether a server that is down stays in the list with weight 0. By default it is out of the list.'),
  onDown: z
    .enum(['keep', 'drop', 'reset', 'reschedule'])
    .optional()
    .describe("Says what becomes of the connections of a server that is down. The default is 'reset'."),
};

const service = {
  ...checks,
  ...timing,
  ...consequences,
  quorum: z
    .int()
    .min(1)
    .max(MAX_INT32)
    .optional()
    .describe('Sets the sum of the weights of live servers below which the service is down. The default is 1.'),
  hysteresis: z
    .int()
    .min(0)
    .max(MAX_INT32)
    .optional()
    .describe('Sets how far the weights pass the quorum before the service goes up or down. The default is 0.'),
  inhibitSorry: z
    .boolean()
    .optional()
    .describe('Says whether sorry servers stay in the list with weight 0 while not needed. The default is false.'),
  virtualAddress: z
    .string()
    .optional()
    .describe(
      "Sets the virtual address that checks connect to. The default is the service's, the first of its range, or that of its mark's rule.",
    ),
  failOpen: failOpen
    .optional()
    .describe('Keeps all servers when too many fail at once. By default every failure counts.'),
  damping: z
    .union([z.boolean(), damping])
    .optional()
    .describe('Holds flapping servers down; true stands for the defaults. The default is false.'),
  observe: z
    .union([z.boolean(), observe])
    .optional()
    .describe('Takes the traffic as a sign of health; true stands for the defaults. The default is false.'),
  omega: z
    .boolean()
    .optional()
    .describe('Says whether the end of the director runs the commands for going down. The default is false.'),
};

/** How the servers of one service are checked. */
export const serviceHealthSchema = z.strictObject({
  ...service,
  notify: serviceNotify.optional().describe('Says which programs are run for the service and its servers.'),
});

/** What is different for one server. */
export const serverHealthSchema = z.strictObject({
  ...checks,
  ...timing,
  ...consequences,
  notify: z.strictObject(serverNotify).optional().describe('Says which programs are run for this server.'),
});

/** What holds for all services, and where news of all of them goes. */
export const healthSchema = z.strictObject({
  ...service,
  onStandby: z
    .enum(onStandbyChoices)
    .optional()
    .describe('Says whether checks go on while the director is a standby (run, the default), or rest.'),
  atOnce: z
    .int()
    .min(1)
    .max(65_536)
    .optional()
    .describe(
      'Sets how many checks may be under way at once. The default is 512, or fewer with fewer than 1280 open files.',
    ),
  notify: notify.optional().describe('Says where news of all services goes.'),
});

/** The health of all services that is wanted. Durations are in milliseconds. */
export interface HealthSpec extends z.output<typeof healthSchema> {}

/** The health of a service that is wanted; what is left out is that of all services. */
export interface ServiceHealthSpec extends z.output<typeof serviceHealthSchema> {}

/** The health of a real server that is wanted; what is left out is its service's. */
export interface ServerHealthSpec extends z.output<typeof serverHealthSchema> {}

/** A check of a list, with a timing of its own. */
export interface TimedCheckSpec extends z.output<typeof timedCheck> {}

/** A program that is run for news: with its arguments alone, or with how it is run. */
export type CommandSpec = z.output<typeof command>;

/** The names of the fields that are durations are those of the library without Ms. */
export const timingFields = Object.keys(timing) as (keyof typeof timing)[];
