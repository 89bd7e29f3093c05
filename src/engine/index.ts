export type { AttachClient, Attachment } from './attachment.ts';
export { Engine } from './engine.ts';
export type { Exec } from './exec.ts';
export type { LogQuery } from './log-reader.ts';
export type { Pod, PodResult } from './pod.ts';
export type { EngineOptions } from './pod-context.ts';
export type { ContainerSpec, ExecSpec, PodSpec } from './pod-spec.ts';
export type { ContainerRecord, PodRecord } from '../store/index.ts';
export type { Image, ImageProgress } from '../image/index.ts';
