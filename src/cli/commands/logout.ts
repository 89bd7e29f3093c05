import type { Command } from 'commander';
import { forgetCredentials } from '../../lib/keep-credentials.ts';
import type { Cli } from '../cli.ts';
import { addExamples } from '../examples.ts';
import { registryServer } from '../registry-server.ts';

export function define(command: Command, cli: Cli): void {
  command
    .argument('[server]', "a registry's host, with its port (default: docker.io)")
    .action(async (text: string | undefined) => {
      const server = registryServer(text);
      const never = new AbortController().signal;
      const known = await forgetCredentials(server, { environment: cli.env }, never);
      cli.print(known ? `Removing login credentials for ${server}` : `Not logged in to ${server}`);
    });
  addExamples(command, [['hyper logout registry.example:5000', 'from the file and from its credential helper']]);
}
