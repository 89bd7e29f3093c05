/** Judges: programs that we did not write, asked what they see in what we wrote. */
export { compareTrees, type CompareOptions } from './compare-trees.ts';
export { extractWithFsck, readWithKernel } from './erofs-judges.ts';
export { readTree, type Tree, type TreeEntry } from './read-tree.ts';
