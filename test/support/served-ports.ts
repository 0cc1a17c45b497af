/** The ports of checked-server.ts, by the kind of check that asks there. */
export const servedPorts = {
  ...{ tcp: 8001, tls: 8002, http: 8003, https: 8004, h2: 8005, grpc: 8006 },
  ...{ smtp: 8007, agent: 8008, udp: 8009, dns: 8010 },
};

export type ServedKind = keyof typeof servedPorts;
