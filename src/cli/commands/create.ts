import type { Command } from 'commander';
import type { Cli } from '../cli.ts';
import { createPod } from '../create-pod.ts';
import { addExamples } from '../examples.ts';
import { addPodOptions, podSpecOf, type PodOptions } from '../pod-options.ts';

export function define(command: Command, cli: Cli): void {
  addPodOptions(command.passThroughOptions()).action(
    async (image: string, args: readonly string[], options: PodOptions) => {
      const streams = {
        tty: options.tty === true,
        stdin: options.interactive === true,
        attached: false,
        size: undefined,
      };
      const spec = podSpecOf(image, args, options, streams, cli.env);
      const { id } = await createPod(await cli.connect(), spec, options.pull, cli);
      cli.print(id);
    },
  );
  addExamples(command, [['hyper create --name web nginx', "a pod that 'hyper start web' starts"]]);
}
