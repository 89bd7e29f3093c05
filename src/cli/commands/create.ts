import type { Command } from 'commander';
import { addContainer } from '../add-container.ts';
import type { Cli } from '../cli.ts';
import { createPod } from '../create-pod.ts';
import { addExamples } from '../examples.ts';
import { addPodFileOptions, chooseFile, type PodFileOptions } from '../pod-file/pod-file-options.ts';
import { podOfFile } from '../pod-file/pod-of-file.ts';
import { readText, translateFile } from '../pod-file/read-pod-file.ts';
import { addPodOptions, podSpecOf, type PodOptions } from '../pod-options.ts';
import { standardStreams } from '../terminal/foreground.ts';

interface CreateOptions extends PodOptions, PodFileOptions {
  readonly container?: string;
}

export function define(command: Command, cli: Cli): void {
  addPodOptions(command.passThroughOptions())
    .option('-c, --container <pod>', 'add a container to this pod, which is there')
    .action(async (image: string | undefined, args: readonly string[], options: CreateOptions) => {
      if (options.container !== undefined) {
        await addContainer(options.container, image ?? '', args, options, cli);
        return;
      }
      const file = chooseFile({ image, args }, options, command);
      const text = file === undefined ? '' : await readText(file.path);
      const streams = { tty: options.tty === true, stdin: options.interactive === true };
      const attached = { attached: false, size: undefined };
      if (file === undefined) {
        const spec = podSpecOf(image ?? '', args, options, { ...streams, ...attached }, cli.env);
        cli.print((await createPod(await cli.connect(), spec, options.pull, cli)).id);
        return;
      }
      const client = await cli.connect();
      const terminal = { ...attached, stdinIsTaken: false, streams: standardStreams() };
      const { spec } = podOfFile(await translateFile(client, file, text), options, terminal);
      cli.print((await createPod(client, spec, options.pull, cli)).id);
    });
  addPodFileOptions(command);
  addExamples(command, [
    ['hyper create --name web nginx', "a pod that 'hyper start web' starts"],
    ['hyper create -p pod.json', 'the same of a pod file'],
    ['hyper create -c web --name sidecar busybox top', "one more container, which 'hyper start -c sidecar' starts"],
  ]);
}
