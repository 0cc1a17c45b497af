/** Gives a director in a lab the socket that tunvsadm asks. */
import type { DirectorAgent } from './director-agent.js';

const url = (path: string): string => new URL(path, import.meta.url).href;

export function beginAdm(director: DirectorAgent, socket: string): Promise<void> {
  const modules = {
    server: url('./tunvsadm-server.js'),
    session: url('../../lib/rules/session.js'),
    execute: url('../../lib/rules/adm/execute.js'),
  };
  return director.run(
    async (d, { at, modules: { server, session, execute } }) => {
      const [{ AdmServer }, { RulesSession }, { executeAdm }] = await Promise.all([
        import(server),
        import(session),
        import(execute),
      ]);
      const rules = new RulesSession(d);
      await AdmServer.open((call: { argv: string[] }) => executeAdm(rules, call), at);
    },
    { at: socket, modules },
  );
}
