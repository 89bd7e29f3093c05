import type { Cli } from './cli.ts';
import { withImages } from './create-pod.ts';
import { podSpecOf, type PodOptions } from './pod-options.ts';
import { UsageError } from './usage-error.ts';

/** Adds a container to a pod that is there. Only what is a container's own can be said of it. */
export async function addContainer(
  pod: string,
  image: string,
  command: readonly string[],
  options: PodOptions,
  cli: Cli,
): Promise<void> {
  const { name, ...own } = options;
  const streams = { tty: options.tty === true, stdin: options.interactive === true, attached: false, size: undefined };
  const { containers, ...ofPod } = podSpecOf(image, command, own, streams, cli.env);
  const [container] = containers;
  if (container === undefined) throw new UsageError('-c adds a container: give its image');
  // Those of --cpus alone are no wish: hyperd says where its VM has fewer.
  const [wrong] = Object.keys(ofPod).filter((key) => key !== 'vcpus' || options.cpu !== undefined);
  if (wrong !== undefined) throw new UsageError(`-c adds a container to a pod that is there: ${wrong} is the pod's`);
  const client = await cli.connect();
  const spec = { ...container, ...(name === undefined ? {} : { name }) };
  const added = await withImages([image], options.pull, client, cli, () => client.containerAdd(pod, spec));
  cli.print(added.id);
}
