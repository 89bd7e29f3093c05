/** What numbers and names of the API may be, without its schemas: a client that loads those starts later. */
export interface Bounds {
  readonly least: number;
  readonly most: number;
}

export const bounds = {
  vcpus: { least: 1, most: 64 },
  memoryMiB: { least: 96, most: 1_048_576 },
  storageMiB: { least: 64, most: 16_777_216 },
  /** Of one container. */
  memoryLimitMiB: { least: 4, most: 1_048_576 },
  shmSizeBytes: { least: 4096, most: Number.MAX_SAFE_INTEGER },
  diskBytesPerSecond: { least: 65_536, most: 1e12 },
  diskIops: { least: 10, most: 1e9 },
} as const satisfies Record<string, Bounds>;

/** What a text must look like, and that in words which go on after 'must be'. */
export interface TextForm {
  readonly pattern: RegExp;
  readonly words: string;
}

export const textForms = {
  podName: {
    pattern: /^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/,
    words: 'letters, digits, _ . or -, begin with a letter or digit, and have at least two',
  },
  /** Of containers and networks, and in DNS. */
  objectName: {
    pattern: /^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/,
    words: 'letters, digits, _ . or -, and begin with a letter or digit',
  },
  hostname: {
    pattern: /^[a-zA-Z0-9][a-zA-Z0-9.-]{0,62}$/,
    words: 'at most 63 letters, digits, . or -, and begin with a letter or digit',
  },
  absolutePath: { pattern: /^\//, words: 'an absolute path' },
} as const satisfies Record<string, TextForm>;
