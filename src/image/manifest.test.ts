import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { HyperError } from '../lib/errors.ts';
import { parseManifest } from './manifest.ts';
import { choosePlatform } from './platform.ts';

const digest = `sha256:${'0'.repeat(64)}`;
const config = { mediaType: 'application/vnd.oci.image.config.v1+json', digest, size: 1 };
const layer = { mediaType: 'application/vnd.oci.image.layer.v1.tar+zstd', digest, size: 1 };
const parse = (json: unknown, mediaType?: string) => parseManifest(Buffer.from(JSON.stringify(json)), mediaType, 'x');
const index = (...platforms: readonly (object | undefined)[]) =>
  parse({ schemaVersion: 2, manifests: platforms.map((platform) => ({ ...layer, platform })) });

describe('a manifest', () => {
  it('of OCI or Docker is read', () => {
    assert.equal(parse({ schemaVersion: 2, config, layers: [layer] }).kind, 'image');
    const docker = {
      schemaVersion: 2,
      mediaType: 'application/vnd.docker.distribution.manifest.v2+json',
      config: { ...config, mediaType: 'application/vnd.docker.container.image.v1+json' },
      layers: [{ ...layer, mediaType: 'application/vnd.docker.image.rootfs.diff.tar.gzip' }],
    };
    assert.equal(parse(docker).kind, 'image');
  });

  it('that is also an index is refused', () => {
    assert.throws(() => parse({ schemaVersion: 2, config, layers: [layer], manifests: [] }), { code: 'corrupt' });
  });

  it('of schema 1 is refused, by its version or its type', () => {
    const message = /schema 1, which nobody makes any more: push the image anew/;
    assert.throws(() => parse({ schemaVersion: 1 }), { code: 'unsupported', message });
    assert.throws(() => parse({ schemaVersion: 2 }, 'application/vnd.docker.distribution.manifest.v1+prettyjws'), {
      code: 'unsupported',
      message,
    });
  });

  it('with layers or digests of an unknown kind is refused', () => {
    const wasm = { ...layer, mediaType: 'application/wasm' };
    assert.throws(() => parse({ schemaVersion: 2, config, layers: [wasm] }), {
      code: 'unsupported',
      message: /application\/wasm/,
    });
    const sha512 = { ...layer, digest: `sha512:${'0'.repeat(128)}` };
    assert.throws(() => parse({ schemaVersion: 2, config, layers: [sha512] }), {
      code: 'corrupt',
      message: /layers\.0\.digest/,
    });
    const path = { ...layer, digest: '../../../etc/passwd' };
    assert.throws(() => parse({ schemaVersion: 2, config, layers: [path] }), { code: 'corrupt' });
  });

  it('gives a HyperError for any bytes', () => {
    const bytes = fc.oneof(
      fc.uint8Array(),
      fc.json().map((text) => Buffer.from(text)),
      fc
        .record({
          schemaVersion: fc.constant(2),
          config: fc.jsonValue(),
          layers: fc.jsonValue(),
          manifests: fc.jsonValue(),
        })
        .map((json) => Buffer.from(JSON.stringify(json))),
    );
    fc.assert(
      fc.property(bytes, (input) => {
        try {
          parseManifest(input, undefined, 'x');
        } catch (error) {
          assert.ok(error instanceof HyperError);
        }
      }),
    );
  });
});

describe('an index', () => {
  const linux = (architecture: string, variant?: string) => ({ os: 'linux', architecture, variant });

  it('gives the entry that every amd64 CPU can run', () => {
    const parsed = index(linux('arm64'), linux('amd64', 'v3'), linux('amd64'));
    assert.ok(parsed.kind === 'index');
    assert.equal(choosePlatform(parsed, 'x').platform, 'linux/amd64');
  });

  it('of one entry without a platform gives that', () => {
    const parsed = index(undefined);
    assert.ok(parsed.kind === 'index');
    assert.equal(choosePlatform(parsed, 'x').platform, undefined);
  });

  it('without ours says what there is', () => {
    const parsed = index(linux('arm64', 'v8'), linux('s390x'), { os: 'unknown', architecture: 'unknown' });
    assert.ok(parsed.kind === 'index');
    assert.throws(() => choosePlatform(parsed, 'app:1'), {
      code: 'unsupported',
      message: 'app:1 is not there for linux/amd64: there is linux/arm64/v8, linux/s390x',
    });
  });
});
