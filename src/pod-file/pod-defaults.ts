/** What the engine gives a pod that says nothing of it (docs/pod-files.md). */
export const podDefaultsOfFiles = { vcpus: 1, memoryMiB: 128 } as const;
