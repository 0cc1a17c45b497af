/** Where a real server's tunnel packets are taken apart. */
export const realServerModes = ['auto', 'kernel', 'userspace', 'bpf'] as const;
