export * from './attach.ts';
export * from './exec.ts';
export * from './image.ts';
export * from './network.ts';
export * from './pod.ts';
export * from './routes.ts';
export * from './system.ts';
