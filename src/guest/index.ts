export { Agent, type AgentHandlers, type AgentOptions } from './agent.ts';
export { type AgentHello, AgentRefusal, type ExitEvent, type KnownProcess } from './control-channel.ts';
export type { GuestConnection } from './guest-connection.ts';
export type {
  ContainerFile,
  ContainerMount,
  ContainerSetup,
  DiskMount,
  FileSystemMount,
  GuestSetup,
  NicSetup,
  ProcessSetup,
  ServiceSetup,
  Task,
} from './requests.ts';
export type { StdinWriter } from './stdin-writer.ts';
export type { OutputConsumer, OutputStream } from './output-consumer.ts';
export type { StreamPosition } from './stream-channel.ts';
