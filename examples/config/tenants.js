/** The policy of policies.yaml: one network of clients has a real server of its own. */
import { connectionPolicy } from 'tunvs';

export default connectionPolicy(
  ({ clientAddress, servers }) => (clientAddress.startsWith('198.51.100.') ? servers[1] : undefined),
  { name: 'by tenant' },
);
