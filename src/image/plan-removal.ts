import { HyperError } from '../lib/errors.ts';
import { familiarName, parseReference, repositoryName } from '../lib/image-reference.ts';

/** What a removal does. */
export interface RemovalPlan {
  /** Full references that go. */
  readonly untag: readonly string[];
  /** Whether the image goes with its last name. */
  readonly deleteImage: boolean;
}

function repositoryOf(reference: string): string {
  return repositoryName(parseReference(reference));
}

function isTag(reference: string): boolean {
  return parseReference(reference).digest === undefined;
}

/**
 * What removing an image by a name or by its id takes away, as Docker does it: a name goes alone while others are left; the
 * last name takes the image along, and the digests that it was pulled by.
 *
 * @param name the full reference it was called by; undefined when it was called by its id
 * @param references all that mean the image
 * @throws HyperError `conflict` for an id that has names in several repositories, without force
 */
export function planRemoval(name: string | undefined, references: readonly string[], force: boolean): RemovalPlan {
  if (name === undefined) {
    const repositories = new Set(references.map(repositoryOf));
    if (repositories.size > 1 && !force) {
      const names = references.map((reference) => familiarName(parseReference(reference))).join(', ');
      throw new HyperError(
        'conflict',
        `the image has names in several repositories (${names}): remove them, or use force`,
      );
    }
    return { untag: references, deleteImage: true };
  }
  const left = references.filter((reference) => reference !== name);
  if (!left.some(isTag)) {
    const lastTag = isTag(name) || left.length === 0;
    return lastTag ? { untag: references, deleteImage: true } : { untag: [name], deleteImage: false };
  }
  // A digest means nothing to a user once its repository has no tag of this image any more.
  const repository = repositoryOf(name);
  const lastOfRepository = isTag(name) && !left.some((other) => isTag(other) && repositoryOf(other) === repository);
  const digests = lastOfRepository ? left.filter((other) => !isTag(other) && repositoryOf(other) === repository) : [];
  return { untag: [name, ...digests], deleteImage: false };
}
