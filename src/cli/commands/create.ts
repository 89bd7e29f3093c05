import type { Command } from 'commander';
import type { Cli } from '../cli.ts';
import { createPod, withImages } from '../create-pod.ts';
import { addExamples } from '../examples.ts';
import { UsageError } from '../usage-error.ts';
import { addPodOptions, podSpecOf, type PodOptions } from '../pod-options.ts';

interface CreateOptions extends PodOptions {
  readonly container?: string;
}

export function define(command: Command, cli: Cli): void {
  addPodOptions(command.passThroughOptions())
    .option('-c, --container <pod>', 'add a container to this pod, which is there')
    .action(async (image: string, args: readonly string[], options: CreateOptions) => {
      if (options.container !== undefined) {
        await addContainer(options.container, image, args, options, cli);
        return;
      }
      const spec = podSpecOf(image, args, options, streamsOf(options), cli.env);
      const { id } = await createPod(await cli.connect(), spec, options.pull, cli);
      cli.print(id);
    });
  addExamples(command, [
    ['hyper create --name web nginx', "a pod that 'hyper start web' starts"],
    ['hyper create -c web --name sidecar busybox top', "one more container, which 'hyper start -c sidecar' starts"],
  ]);
}

function streamsOf(options: CreateOptions): Parameters<typeof podSpecOf>[3] {
  return { tty: options.tty === true, stdin: options.interactive === true, attached: false, size: undefined };
}

/** Only what is a container's own can be said of one that is added. */
async function addContainer(
  pod: string,
  image: string,
  command: readonly string[],
  options: CreateOptions,
  cli: Cli,
): Promise<void> {
  const { name, ...own } = options;
  const { containers, ...ofPod } = podSpecOf(image, command, own, streamsOf(options), cli.env);
  const [container] = containers;
  if (container === undefined) throw new UsageError('-c adds a container: give its image');
  const [wrong] = Object.keys(ofPod).filter((key) => key !== 'networks' || options.network !== undefined);
  if (wrong !== undefined) throw new UsageError(`-c adds a container to a pod that is there: ${wrong} is the pod's`);
  const client = await cli.connect();
  const spec = { ...container, ...(name === undefined ? {} : { name }) };
  const added = await withImages([image], options.pull, client, cli, () => client.containerAdd(pod, spec));
  cli.print(added.id);
}
