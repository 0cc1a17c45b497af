/** Marks routes, rules and neighbour entries as ours (the number is unassigned in iproute2's rt_protos). */
export const ROUTE_PROTOCOL = '84';
