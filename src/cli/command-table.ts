import type { Command } from 'commander';
import type { Cli } from './cli.ts';

/** What each file in commands/ exports: it gives its command arguments, options, examples and its action. */
export interface CommandModule {
  /** @param wholeTree the program with every command's options, for what documents or completes them. */
  define(command: Command, cli: Cli, wholeTree: () => Promise<Command>): void;
}

export interface CommandEntry {
  readonly name: string;
  readonly aliases?: readonly string[];
  readonly summary: string;
  /** Only the command that is called is loaded: the rest would cost every start. */
  load(): Promise<CommandModule>;
}

/** All commands, in the order of the help. */
export const commandTable: readonly CommandEntry[] = [
  {
    name: 'run',
    summary: 'Create a pod from an image or a pod file, start it and attach to it',
    load: () => import('./commands/run.ts'),
  },
  {
    name: 'create',
    summary: 'Create a pod from an image or a pod file',
    load: () => import('./commands/create.ts'),
  },
  { name: 'start', summary: 'Start pods', load: () => import('./commands/start.ts') },
  { name: 'stop', summary: 'Stop pods', load: () => import('./commands/stop.ts') },
  { name: 'restart', summary: 'Stop pods and start them again', load: () => import('./commands/restart.ts') },
  { name: 'kill', summary: 'Send a signal to pods', load: () => import('./commands/kill.ts') },
  { name: 'pause', summary: 'Stop the processes of pods where they are', load: () => import('./commands/pause.ts') },
  { name: 'unpause', summary: 'Let paused pods go on', load: () => import('./commands/unpause.ts') },
  {
    name: 'replace',
    summary: 'Have one pod take the place of another that runs',
    load: () => import('./commands/replace.ts'),
  },
  {
    name: 'rename',
    summary: 'Give a pod or a container another name',
    load: () => import('./commands/rename.ts'),
  },
  { name: 'labels', summary: 'List, set and remove labels of a pod', load: () => import('./commands/labels.ts') },
  { name: 'update', summary: 'Change what pods and containers may use', load: () => import('./commands/update.ts') },
  { name: 'rm', summary: 'Remove pods', load: () => import('./commands/rm.ts') },
  { name: 'prune', summary: 'Remove the pods that have ended', load: () => import('./commands/prune.ts') },
  { name: 'wait', summary: 'Wait until pods end and print their exit codes', load: () => import('./commands/wait.ts') },
  { name: 'exec', summary: 'Run a command in a running pod', load: () => import('./commands/exec.ts') },
  { name: 'attach', summary: "Attach to a running pod's process", load: () => import('./commands/attach.ts') },
  {
    name: 'cp',
    summary: 'Copy files between a container and this machine',
    load: () => import('./commands/cp.ts'),
  },
  {
    name: 'diff',
    summary: "List what a container has changed of its image's files",
    load: () => import('./commands/diff.ts'),
  },
  { name: 'export', summary: "Write a container's files as a tar", load: () => import('./commands/export.ts') },
  { name: 'logs', summary: 'Print what a pod has written', load: () => import('./commands/logs.ts') },
  {
    name: 'list',
    aliases: ['ls', 'ps'],
    summary: 'List pods, containers or VMs',
    load: () => import('./commands/list.ts'),
  },
  {
    name: 'inspect',
    summary: 'Print all about pods, containers or images',
    load: () => import('./commands/inspect.ts'),
  },
  { name: 'pod', summary: 'Check pod files, and print their schema', load: () => import('./commands/pod.ts') },
  { name: 'images', summary: 'List images', load: () => import('./commands/images.ts') },
  { name: 'pull', summary: 'Pull an image from a registry', load: () => import('./commands/pull.ts') },
  { name: 'login', summary: 'Log in to a registry', load: () => import('./commands/login.ts') },
  { name: 'logout', summary: 'Forget the login of a registry', load: () => import('./commands/logout.ts') },
  { name: 'load', summary: 'Load images from an archive', load: () => import('./commands/load.ts') },
  { name: 'rmi', summary: 'Remove images', load: () => import('./commands/rmi.ts') },
  { name: 'image', summary: 'List and remove images', load: () => import('./commands/image.ts') },
  {
    name: 'network',
    summary: 'List, make and remove networks',
    load: () => import('./commands/network.ts'),
  },
  {
    name: 'ports',
    summary: 'List, open and close the ports of this host that lead to a pod',
    load: () => import('./commands/ports.ts'),
  },
  {
    name: 'port',
    summary: 'Print where the ports of a pod are published',
    load: () => import('./commands/port.ts'),
  },
  {
    name: 'service',
    summary: 'List, add and change what a pod reaches, load-balanced, at an address of its own',
    load: () => import('./commands/service.ts'),
  },
  {
    name: 'volume',
    summary: 'Make, list and remove volumes',
    load: () => import('./commands/volume.ts'),
  },
  { name: 'vm', summary: 'Make VMs that wait for a pod, and end them', load: () => import('./commands/vm.ts') },
  {
    name: 'template',
    summary: 'List, make and remove the templates that VMs are cloned from',
    load: () => import('./commands/template.ts'),
  },
  { name: 'top', summary: "List the processes of a pod's containers", load: () => import('./commands/top.ts') },
  { name: 'stats', summary: 'Print what containers use', load: () => import('./commands/stats.ts') },
  { name: 'events', summary: 'Print what changes, as it does', load: () => import('./commands/events.ts') },
  {
    name: 'system',
    summary: 'Print what is on the disk, and remove what nobody uses',
    load: () => import('./commands/system.ts'),
  },
  { name: 'info', summary: 'Print how Hyper works on this machine', load: () => import('./commands/info.ts') },
  {
    name: 'version',
    summary: 'Print the versions of the client and the daemon',
    load: () => import('./commands/version.ts'),
  },
  {
    name: 'completion',
    summary: 'Print the completion script of a shell',
    load: () => import('./commands/completion.ts'),
  },
];
