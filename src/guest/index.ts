export { Agent, type AgentHandlers, type AgentOptions } from './agent.ts';
export { type AgentHello, AgentRefusal, type ExitEvent, type KnownProcess } from './control-channel.ts';
export type { ContainerFile, ContainerMount, ContainerSetup, GuestSetup, NicSetup, ProcessSetup } from './requests.ts';
export type { StdinWriter } from './stdin-writer.ts';
export type { OutputConsumer, OutputStream, StreamPosition } from './stream-channel.ts';
