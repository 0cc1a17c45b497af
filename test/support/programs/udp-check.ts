/** A check of the lab's UDP echo. */
import { type CheckContext, CheckFailure, type Finding, passed } from '../../../lib/health/checks/check.js';

export async function answered({ way, signal }: CheckContext): Promise<Finding> {
  using socket = await way.datagrams(signal);
  socket.send(Buffer.from('hello'));
  const answer = (await socket.receive(signal)).toString();
  if (!answer.endsWith(' hello')) throw new CheckFailure('wrong answer', answer);
  return passed(answer);
}
