/** DNS_CHECK: a question is answered, with the response code 0. */
import { last } from '../values.js';
import { type CheckerKind, checkOf, connection } from './checker.js';

const TYPES = ['A', 'NS', 'CNAME', 'SOA', 'MX', 'TXT', 'AAAA', 'RRSIG', 'DNSKEY'] as const;

export const DNS_CHECK: CheckerKind = {
  timing: { retries: 3, timeout: 'connect_timeout' },
  make: (checker, { fields }, context) => {
    const { values } = context;
    const type = last(checker.block, 'type');
    const name = last(checker.block, 'name');
    const options = connection(checker.block, checker, context)
      .set('name', values.word(name, 'a name, as in example.com') ?? '.', name?.place)
      .set('type', values.choice(type, TYPES) ?? 'SOA', type?.place);
    return [{ check: checkOf('dns', options), timing: fields }];
  },
};
