import { type Command, Option } from 'commander';
import type { HyperClient } from '../../client/index.ts';
import type { Cli } from '../cli.ts';
import { createPod } from '../create-pod.ts';
import { addExamples } from '../examples.ts';
import { readText, translateFile } from '../pod-file/read-pod-file.ts';
import { UsageError } from '../usage-error.ts';
import { parseWhole } from '../values/container-values.ts';
import { warn } from '../warn.ts';

interface ReplaceOptions {
  readonly oldpod: string;
  readonly newpod?: string;
  readonly file?: string;
  readonly yaml?: boolean;
  readonly time?: number;
}

export function define(command: Command, cli: Cli): void {
  command
    .requiredOption('-o, --oldpod <pod>', 'the pod that is to end')
    .addOption(new Option('-n, --newpod <pod>', 'the pod that takes its place').conflicts('file'))
    .option('-f, --file <file>', 'the same, made of a pod file; - is stdin')
    .option('-y, --yaml', 'the pod file is YAML (default: told by what is in it)')
    .option('-t, --time <seconds>', 'how long the old one may take to end (default: 10)', (text) =>
      parseWhole(text, '--time', 0),
    )
    .action(async (options: ReplaceOptions) => {
      const { oldpod, newpod, file, yaml, time } = options;
      if (newpod === undefined && file === undefined) throw new UsageError('give the new pod by -n, or its file by -f');
      if (file === undefined && yaml === true) throw new UsageError('-y is for pod files: give one by -f');
      const text = file === undefined ? '' : await readText(file);
      const client = await cli.connect();
      const by = newpod ?? (await podOfText(client, { path: file ?? '', yaml }, text, cli));
      try {
        const request = { by, ...(time === undefined ? {} : { timeoutSeconds: time }) };
        warn(...(await client.podReplace(oldpod, request)).warnings);
      } catch (error) {
        if (newpod === undefined) await client.podRemove(by, { force: true });
        throw error;
      }
      cli.print(by);
    });
  addExamples(command, [
    ['hyper replace -o web -n web2', "'web2' takes the place of 'web': its addresses and published ports"],
    ['hyper replace -o web -f web2.json', 'the same, of a pod file'],
  ]);
}

async function podOfText(
  client: HyperClient,
  { path, yaml }: { readonly path: string; readonly yaml: boolean | undefined },
  text: string,
  cli: Cli,
): Promise<string> {
  const spec = await translateFile(client, { path, format: yaml === true ? 'yaml' : undefined }, text);
  return (await createPod(client, spec, 'missing', cli)).id;
}
