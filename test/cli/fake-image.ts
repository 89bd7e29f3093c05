import type { Image } from '../../src/contract/index.ts';

const image = (name: string, digit: string): Image => ({
  id: `sha256:${digit.repeat(64)}`,
  tags: [`docker.io/library/${name}:latest`],
  digests: [`docker.io/library/${name}@sha256:${'b'.repeat(64)}`],
  createdAt: '2026-01-01T00:00:00Z',
  sizeBytes: 4_270_000,
  architecture: 'amd64',
  os: 'linux',
});

/** Images as hyperd describes them. */
export const images = { busybox: image('busybox', 'a'), alpine: image('alpine', 'd') };
