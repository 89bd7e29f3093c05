import type { Command } from 'commander';
import type { HyperClient } from '../../client/index.ts';
import type { Pod } from '../../contract/index.ts';
import { HyperError } from '../../lib/errors.ts';
import type { Cli } from '../cli.ts';
import { addExamples } from '../examples.ts';
import { printInspected } from '../output/inspected.ts';
import { parseChoice } from '../values/container-values.ts';

const kinds = ['pod', 'container', 'image', 'exec'] as const;
type Kind = (typeof kinds)[number];

interface InspectOptions {
  readonly type?: Kind;
  readonly format?: string;
}

export function define(command: Command, cli: Cli): void {
  command
    .argument('<name...>', 'names or ids of pods, containers or images, or ids of execs')
    .option('--type <type>', 'look only for a pod, a container, an image or an exec', (text) =>
      parseChoice(text, '--type', kinds),
    )
    .option('-f, --format <format>', "json, or a template: '{{.state}}', '{{json .containers}}'")
    .action(async (names: readonly string[], options: InspectOptions) => {
      const client = await cli.connect();
      const found: object[] = [];
      for (const name of names) {
        const thing = await findThing(client, name, options.type === undefined ? kinds : [options.type]);
        if (thing === undefined) {
          cli.note(
            `hyper: no such ${options.type ?? 'pod, container, image or exec'}: ${name}: see 'hyper list' and 'hyper images'`,
          );
          cli.exitCode = 1;
        } else {
          found.push(thing);
        }
      }
      if (found.length > 0 || cli.exitCode === 0) printInspected(cli, found, options.format);
    });
  addExamples(command, [
    ['hyper inspect web', 'all about a pod, as JSON'],
    ["hyper inspect -f '{{.address}}' web", 'one field'],
    ['hyper inspect --type image busybox', 'an image'],
  ]);
}

/** What names one of its containers finds a pod as well: here each is asked for by itself. */
async function podItself(client: HyperClient, name: string): Promise<Pod | undefined> {
  const pod = await client.podInspect(name);
  return pod.name === name || [pod.id, pod.id.slice('pod-'.length)].some((id) => id.startsWith(name)) ? pod : undefined;
}

async function findThing(client: HyperClient, name: string, among: readonly Kind[]): Promise<object | undefined> {
  const look = {
    pod: () => podItself(client, name),
    container: () => client.containerInspect(name),
    image: () => client.imageInspect(name),
    exec: () => client.execInspect(name),
  };
  for (const kind of among) {
    try {
      const found = await look[kind]();
      if (found !== undefined) return found;
    } catch (error) {
      if (!(
        error instanceof HyperError &&
        (error.code === 'not_found' || (kind === 'image' && error.code === 'bad_request'))
      )) {
        throw error;
      }
    }
  }
  return undefined;
}
