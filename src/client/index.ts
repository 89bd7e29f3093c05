export { ApiFailure, noDaemonMessage } from './api-failure.ts';
export { asFailure } from './transport-failure.ts';
export { AttachSession, type AttachEnd, type AttachHandlers, type OutputStream } from './attach-session.ts';
export { socketOfHost } from './host.ts';
export { HyperClient, type CallOptions, type LogOptions } from './hyper-client.ts';
export type { LogRecord } from './log-records.ts';
export type { AnswerOf, BodyOf, ParamsOf } from './route-shapes.ts';
