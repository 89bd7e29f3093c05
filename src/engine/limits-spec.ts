/** What a user asks for of a container. */
export interface ContainerLimitsSpec {
  /** Processor time, as a number of CPUs. */
  readonly cpus?: number | undefined;
  readonly memoryLimitMiB?: number | undefined;
  /** Processes and threads; -1 or 0: none. */
  readonly pidsLimit?: number | undefined;
  readonly shmSizeBytes?: number | undefined;
}

/** What a user asks for of a pod's VM. */
export interface PodLimitsSpec {
  readonly diskBytesPerSecond?: number | undefined;
  readonly diskIops?: number | undefined;
  readonly sysctls?: Readonly<Record<string, string>> | undefined;
}
