import type { Command } from 'commander';
import type { Version } from '../../contract/index.ts';
import type { Cli } from '../cli.ts';
import { addExamples } from '../examples.ts';
import { ownVersion } from '../own-version.ts';

interface VersionOptions {
  readonly client?: boolean;
  readonly format?: string;
}

export function define(command: Command, cli: Cli): void {
  command
    .option('--client', "print only the client's: asks no daemon")
    .option('-f, --format <format>', "json, or a template: '{{.client.version}}'")
    .action(async (options: VersionOptions) => {
      const client = { version: ownVersion, runtime: runtimeName(), os: process.platform, arch: process.arch };
      if (options.client === true) {
        await print(cli, options.format, { client }, `Client: ${describeClient(client)}`);
        return;
      }
      let server: Version;
      try {
        server = await (await cli.connect({ startDaemon: false })).version();
      } catch (error) {
        await print(cli, options.format, { client, server: null }, `Client: ${describeClient(client)}`);
        throw error;
      }
      const text = [`Client: ${describeClient(client)}`, ...describeServer(server)].join('\n');
      await print(cli, options.format, { client, server }, text);
    });
  addExamples(command, [['hyper version --client', "the client's version, without a daemon"]]);
}

interface ClientVersion {
  readonly version: string;
  readonly runtime: string;
  readonly os: string;
  readonly arch: string;
}

const describeClient = (client: ClientVersion): string =>
  `${client.version} (${client.runtime}, ${client.os}/${client.arch})`;

function describeServer(server: Version): string[] {
  return [
    `Server: ${server.version} (Node.js ${server.node.replace(/^v/, '')}, ${server.os}/${server.arch})`,
    `API: ${server.apiVersion}`,
    `QEMU: ${server.qemu ?? 'not found'}`,
    `Guest kernel: ${server.kernel ?? 'none'}`,
  ];
}

function runtimeName(): string {
  const { bun } = process.versions;
  return bun === undefined ? `Node.js ${process.versions.node}` : `Bun ${bun}`;
}

async function print(cli: Cli, format: string | undefined, value: object, text: string): Promise<void> {
  if (format === undefined) {
    cli.print(text);
  } else if (format === 'json') {
    cli.print(JSON.stringify(value, null, 2));
  } else {
    const [{ parseTemplate, unescape }, { renderTemplate }] = await Promise.all([
      import('../output/template-parse.ts'),
      import('../output/template-render.ts'),
    ]);
    cli.print(renderTemplate(parseTemplate(unescape(format)), value));
  }
}
