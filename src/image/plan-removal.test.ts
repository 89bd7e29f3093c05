import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { planRemoval } from './plan-removal.ts';

const digest = `docker.io/library/a@sha256:${'0'.repeat(64)}`;
const one = 'docker.io/library/a:1';
const two = 'docker.io/library/a:2';
const other = 'host.x/b:1';

describe('removing an image', () => {
  it('by one of its names takes only that', () => {
    assert.deepEqual(planRemoval(one, [one, two, digest], false), { untag: [one], deleteImage: false });
  });

  it('by the last name of a repository takes the digests of that repository', () => {
    assert.deepEqual(planRemoval(one, [one, digest, other], false), { untag: [one, digest], deleteImage: false });
  });

  it('by its last name takes all', () => {
    assert.deepEqual(planRemoval(one, [one, digest], false), { untag: [one, digest], deleteImage: true });
  });

  it('by its digest leaves its names, and takes all when there is none', () => {
    assert.deepEqual(planRemoval(digest, [one, digest], false), { untag: [digest], deleteImage: false });
    assert.deepEqual(planRemoval(digest, [digest], false), { untag: [digest], deleteImage: true });
  });

  it('by its id takes all, but asks for force when it has names in several repositories', () => {
    assert.deepEqual(planRemoval(undefined, [one, two], false), { untag: [one, two], deleteImage: true });
    assert.throws(() => planRemoval(undefined, [one, other], false), {
      code: 'conflict',
      message: 'the image has names in several repositories (a:1, host.x/b:1): remove them, or use force',
    });
    assert.deepEqual(planRemoval(undefined, [one, other], true), { untag: [one, other], deleteImage: true });
  });
});
