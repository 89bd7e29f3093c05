import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { byteString } from '../../lib/byte-string.ts';
import { encodeXattrs, xattrCount } from './erofs-xattrs.ts';

describe('extended attributes behind an inode', () => {
  it('have the number of their prefix, the rest of the name and the value, padded to 4 bytes', () => {
    const encoded = encodeXattrs([
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
    const encoded = encodeXattrs(names.map((name) => ({ name: byteString(name), value: Buffer.from('x') })));
    assert.equal(encoded.length, 0);
    assert.equal(xattrCount(0), 0);
  });
});
