import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { SparseFileWriter } from '../../lib/sparse-file-writer.ts';
import type { ImageDisk } from './image-disk.ts';

/** Joins a disk into one sparse file, for judges that read no VMDK. */
export async function writeFlatImage(disk: ImageDisk, path: string): Promise<void> {
  using output = new SparseFileWriter(path);
  for (const file of disk.files) {
    await pipeline(createReadStream(file, { highWaterMark: 1 << 20 }), async (chunks: AsyncIterable<Buffer>) => {
      for await (const chunk of chunks) output.write(chunk);
    });
  }
  output.finish();
}
