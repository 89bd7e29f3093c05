/** `sha256:` and 64 lower-case hex digits (OCI image spec, descriptor.md). */
export type Digest = `sha256:${string}`;

const pattern = /^sha256:[0-9a-f]{64}$/;

/** Whether a text is a digest that we can verify. */
export function isDigest(text: string): text is Digest {
  return pattern.test(text);
}

/** The 64 hex digits: what files are named after. */
export function hexOf(digest: Digest): string {
  return digest.slice('sha256:'.length);
}
