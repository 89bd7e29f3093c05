import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseCopyArgument } from './copy-argument.ts';
import { type CopyTarget, planCopy } from './plan-copy.ts';

describe('where a copy goes', () => {
  const file = { path: 'a/file', isFolder: false, name: 'file' };
  const folder = { path: 'a/dir', isFolder: true, name: 'dir' };
  const contents = { path: 'a/dir/.', isFolder: true, name: '.' };
  const target = (path: string, found: CopyTarget['found']): CopyTarget => ({ path, found });

  it('is docker’s table of files', () => {
    assert.deepEqual(planCopy(file, target('/x/new', 'nothing')), { folder: '/x', name: 'new' });
    assert.deepEqual(planCopy(file, target('/x/old', 'other')), { folder: '/x', name: 'old' });
    assert.deepEqual(planCopy(file, target('/x', 'folder')), { folder: '/x', name: 'file' });
    assert.throws(() => planCopy(file, target('/x/new/', 'nothing')), /no such directory/);
    assert.throws(() => planCopy(file, target('/x/old/', 'other')), /not a directory/);
    assert.deepEqual(planCopy(file, target('new', 'nothing')), { folder: '.', name: 'new' });
  });

  it('is docker’s table of folders', () => {
    for (const source of [folder, contents]) {
      assert.deepEqual(planCopy(source, target('/x/new', 'nothing')), { folder: '/x', name: 'new' });
      assert.deepEqual(planCopy(source, target('/x/new/', 'nothing')), { folder: '/x', name: 'new' });
      assert.throws(() => planCopy(source, target('/x/old', 'other')), /cannot copy a directory/);
    }
    assert.deepEqual(planCopy(folder, target('/x/', 'folder')), { folder: '/x/', name: 'dir' });
    assert.deepEqual(planCopy(contents, target('/x', 'folder')), { folder: '/x', name: '.' });
  });

  it('knows a container by its colon', () => {
    assert.deepEqual(parseCopyArgument('web:/a:b'), { type: 'container', container: 'web', path: '/a:b' });
    assert.deepEqual(parseCopyArgument('pod/side:x'), { type: 'container', container: 'pod/side', path: 'x' });
    for (const path of ['/a:b', './a:b', '../a:b', 'plain']) {
      assert.deepEqual(parseCopyArgument(path), { type: 'local', path });
    }
    assert.deepEqual(parseCopyArgument('-'), { type: 'stream' });
    for (const wrong of [':x', 'web:']) assert.throws(() => parseCopyArgument(wrong), /CONTAINER:PATH/);
  });
});
