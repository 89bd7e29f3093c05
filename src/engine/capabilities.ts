/** The capabilities of a container's processes: Docker's default list (moby, oci/caps/defaults.go), as their numbers. */
const defaults = {
  CHOWN: 0,
  DAC_OVERRIDE: 1,
  FOWNER: 3,
  FSETID: 4,
  KILL: 5,
  SETGID: 6,
  SETUID: 7,
  SETPCAP: 8,
  NET_BIND_SERVICE: 10,
  NET_RAW: 13,
  SYS_CHROOT: 18,
  MKNOD: 27,
  AUDIT_WRITE: 29,
  SETFCAP: 31,
} as const;

/** A bit for each capability number, as the agent takes it. */
export const defaultCapabilities: bigint = Object.values(defaults).reduce(
  (mask, bit) => mask | (1n << BigInt(bit)),
  0n,
);
