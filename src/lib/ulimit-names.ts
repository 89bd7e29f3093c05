/** The names of resource limits that Docker takes (go-units, ulimit.go); the guest's agent knows the same. */
export const ulimitNames = [
  'core',
  'cpu',
  'data',
  'fsize',
  'locks',
  'memlock',
  'msgqueue',
  'nice',
  'nofile',
  'nproc',
  'rss',
  'rtprio',
  'rttime',
  'sigpending',
  'stack',
] as const;

/** Whether a soft limit is above its hard one; -1 is unlimited. */
export const isAboveHard = ({ soft, hard }: { readonly soft: number; readonly hard: number }): boolean =>
  hard !== -1 && (soft === -1 || soft > hard);
