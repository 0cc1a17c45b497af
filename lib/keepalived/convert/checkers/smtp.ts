/** SMTP_CHECK: a greeting, HELO, QUIT. */
import { quotedWords } from '../../language/words.js';
import { each, last } from '../values.js';
import { type CheckerKind, checkOf, connection } from './checker.js';

const DEFAULT_NAME = 'smtpchecker.keepalived.org';

export const SMTP_CHECK: CheckerKind = {
  timing: { retries: 1, retryDelayMs: 1000, timeout: 'connect_timeout' },
  make: (checker, timing, context) => {
    const helo = last(checker.block, 'helo_name');
    const name = helo === undefined ? DEFAULT_NAME : quotedWords(helo.raw).words[0];
    if (helo !== undefined && name === undefined) context.values.refuse(helo, undefined, 'the name for HELO');
    const hosts = each(checker.block, 'host');
    return (hosts.length === 0 ? [checker] : hosts).map((host) => {
      const options = connection(host.block, host, context).set('heloName', name, helo?.place);
      const { fields } = host === checker ? timing : context.timingIn(host);
      return { check: checkOf('smtp', options), timing: fields };
    });
  },
};
