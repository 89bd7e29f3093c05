import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { byteString } from '../../lib/byte-string.ts';
import type { Xattr } from '../layer/index.ts';
import { encodeXattrs, xattrCount } from './erofs-xattrs.ts';

const named = (names: readonly string[]): Xattr[] =>
  names.map((name) => ({ name: byteString(name), value: Buffer.from('x') }));

describe('extended attributes behind an inode', () => {
  it('have the number of their prefix, the rest of the name and the value, padded to 4 bytes', () => {
    const encoded = encodeXattrs('file', [
      { name: byteString('user.ab'), value: Buffer.from([0, 255, 1]) },
      { name: byteString('system.posix_acl_access'), value: Buffer.from([2]) },
    ]);
    assert.equal(
      encoded.subarray(12).toString('hex'),
      '02010300' + '6162' + '00ff01' + '000000' + '00020100' + '02000000',
    );
    assert.equal(xattrCount(encoded.length), (encoded.length - 12) / 4 + 1);
  });

  it('are left out when EROFS has no prefix for them, or no name would be left', () => {
    const names = ['system.nfs4_acl', 'com.apple.x', 'user.', 'system.posix_acl_access2'];
    const encoded = encodeXattrs('file', named(names));
    assert.equal(encoded.length, 0);
    assert.equal(xattrCount(0), 0);
  });

  it('are left out where Linux does not let them be', () => {
    const symlink = named(['user.a', 'system.posix_acl_access']);
    assert.equal(encodeXattrs('symlink', symlink).length, 0);
    assert.equal(encodeXattrs('character', named(['user.a'])).length, 0);
    assert.equal(encodeXattrs('file', named(['system.posix_acl_default'])).length, 0);
    assert.notEqual(encodeXattrs('symlink', named(['security.a'])).length, 0);
  });
});
