import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ArchiveFiles, archiveName } from './archive-files.ts';

const file = { path: '/tmp/0', size: 1 };

describe('the files of an archive', () => {
  it('have one name however it is written, and none outside', () => {
    for (const name of ['a/b', './a/b', '/a//b', 'a/x/../b', '../../a/b']) assert.equal(archiveName(name), 'a/b');
  });

  it('are found through links, which stay inside', () => {
    const files = new ArchiveFiles();
    files.addFile('one/layer.tar', file);
    files.addLink('two/layer.tar', '../one/layer.tar', 'symlink');
    files.addLink('three', 'two/layer.tar', 'hardlink');
    files.addLink('out', '../../../etc/passwd', 'symlink');

    assert.equal(files.find('three'), file);
    assert.equal(files.find('out'), undefined);
  });

  it('are not found through links in circles', () => {
    const files = new ArchiveFiles();
    files.addLink('a', 'b', 'symlink');
    files.addLink('b', 'a', 'symlink');

    assert.equal(files.find('a'), undefined);
  });

  it('are what the last entry of their name says', () => {
    const files = new ArchiveFiles();
    files.addLink('a', 'b', 'symlink');
    files.addFile('a', file);

    assert.equal(files.find('a'), file);
  });
});
