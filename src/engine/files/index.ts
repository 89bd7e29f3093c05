export { type Archive, FileDesk, type UnpackOptions } from './file-desk.ts';
export type { Change } from './changes.ts';
export type { PathStat } from './path-stat.ts';
