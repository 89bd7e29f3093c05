import type { Command } from 'commander';
import type { Cli } from '../cli.ts';
import { addExamples } from '../examples.ts';
import { readText, translateFile } from '../pod-file/read-pod-file.ts';

export function define(command: Command, cli: Cli): void {
  command.helpOption('-h, --help', 'print this help');
  defineSchema(subcommand(command, 'schema', 'Print the JSON Schema of pod files, for editors'), cli);
  defineCheck(subcommand(command, 'check', 'Say what is wrong with pod files, and run nothing'), cli);
  addExamples(command, [
    ['hyper pod schema > pod.schema.json', 'for an editor, which then completes and checks pod files'],
    ['hyper pod check pod.yaml', ''],
    ['hyper pod check --spec -k manifest.yaml', 'what a manifest means to the API'],
  ]);
}

const subcommand = (command: Command, name: string, description: string): Command =>
  command.command(name).description(description).helpOption('-h, --help', 'print this help');

function defineSchema(command: Command, cli: Cli): void {
  command.action(async () => {
    // On one line, which is less than a pipe holds.
    cli.print(JSON.stringify(await (await cli.connect()).podFileSchema()));
  });
}

interface CheckOptions {
  readonly kubernetes?: boolean;
  readonly yaml?: boolean;
  readonly spec?: boolean;
}

function defineCheck(command: Command, cli: Cli): void {
  command
    .argument('<file>', 'a pod file or a Kubernetes manifest; - for stdin')
    .option('-k, --kubernetes', 'it is a Kubernetes manifest (default: told by what is in it)')
    .option('-y, --yaml', 'it is YAML (default: told by what is in it)')
    .option('--spec', 'print what the API takes for it, as JSON')
    .action(async (path: string, { kubernetes, yaml, spec: wantsSpec }: CheckOptions) => {
      const text = await readText(path);
      const format = kubernetes === true ? 'kubernetes' : yaml === true ? 'yaml' : undefined;
      const spec = await translateFile(await cli.connect(), { path, format }, text);
      const images = spec.containers.map(({ image }) => image).join(', ');
      cli.print(wantsSpec === true ? JSON.stringify(spec, undefined, 2) : `${path}: a pod of ${images}`);
    });
}
