import type { Image } from '../../contract/index.ts';
import { shortId, showAge, showBytes } from './units.ts';

/** What `--format` can name, in docker's spelling. */
export interface ImageRow {
  readonly ID: string;
  readonly Repository: string;
  readonly Tag: string;
  readonly Digest: string;
  readonly CreatedAt: string;
  readonly CreatedSince: string;
  readonly Size: string;
  readonly SizeBytes: number;
}

/** A row for each tag; an image that has none has one row. @param view `now` in ms since 1970. */
export function imageRows(
  images: readonly Image[],
  view: { readonly cutIds: boolean; readonly now: number },
): readonly ImageRow[] {
  return images.flatMap((image) => {
    const rest = {
      ID: view.cutIds ? shortId(image.id) : image.id,
      Digest: image.digests[0]?.split('@')[1] ?? '<none>',
      CreatedAt: image.createdAt ?? '',
      CreatedSince: showAge(image.createdAt, view.now),
      Size: showBytes(image.sizeBytes),
      SizeBytes: image.sizeBytes,
    };
    if (image.tags.length === 0) {
      const name = image.digests[0]?.split('@')[0];
      return [{ ...rest, Repository: name === undefined ? '<none>' : familiarName(name), Tag: '<none>' }];
    }
    return image.tags.map((tag) => {
      const colon = tag.lastIndexOf(':');
      return { ...rest, Repository: familiarName(tag.slice(0, colon)), Tag: tag.slice(colon + 1) };
    });
  });
}

/** As people type it: without the registry and folder that are understood. */
function familiarName(name: string): string {
  return name.replace(/^docker\.io\/(library\/)?/, '');
}
