import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { byteString, bytesOf, type ByteString } from '../../lib/byte-string.ts';
import { encodeFolder, planFolder } from './erofs-folder.ts';
import { newFolder, type Folder, type Leaf } from './image-tree.ts';

/** Names of a folder's content by the rules of the format: blocks of entries that end where the first name starts. */
function decode(content: Buffer): { name: Buffer; number: number; type: number }[] {
  const found: { name: Buffer; number: number; type: number }[] = [];
  for (let block = 0; block < content.length; block += 4096) {
    const bytes = content.subarray(block, block + 4096);
    const count = bytes.readUInt16LE(8) / 12;
    for (let at = 0; at < count; at++) {
      const start = bytes.readUInt16LE(at * 12 + 8);
      const next = at + 1 < count ? bytes.readUInt16LE(at * 12 + 20) : bytes.length;
      const zero = bytes.indexOf(0, start);
      const name = bytes.subarray(start, zero === -1 || zero > next ? next : zero);
      found.push({ name, number: Number(bytes.readBigUInt64LE(at * 12)), type: bytes.readUInt8(at * 12 + 10) });
    }
  }
  return found;
}

const name = fc
  .uint8Array({ min: 1, max: 255, minLength: 1, maxLength: 255 })
  .map((bytes) => byteString(bytes))
  .filter((text) => !text.includes('/') && text !== '.' && text !== '..');

describe('the content of a folder', () => {
  it('has every name once, `.` and `..` among them, in the order of bytes, with its number', () => {
    fc.assert(
      fc.property(fc.uniqueArray(name, { maxLength: 300 }), (names) => {
        const parent = newFolder();
        const folder = newFolder();
        const numbers = new Map<Folder | Leaf, number>([
          [folder, 1],
          [parent, 2],
        ]);
        for (const [at, each] of names.entries()) {
          const inode = newFolder();
          folder.children.set(each, { inode, touched: 0 });
          numbers.set(inode, at + 3);
        }
        const plan = planFolder(folder, parent);
        const content = encodeFolder(plan, (inode) => numbers.get(inode) ?? -1);
        assert.equal(content.length, plan.size);
        const expected: { name: ByteString; number: number }[] = [
          { name: byteString('.'), number: 1 },
          { name: byteString('..'), number: 2 },
          ...names.map((each, at) => ({ name: each, number: at + 3 })),
        ];
        const sorted = expected
          .map((each) => ({ name: bytesOf(each.name), number: each.number, type: 2 }))
          .sort((a, b) => a.name.compare(b.name));
        assert.deepEqual(decode(content), sorted);
      }),
    );
  });
});
