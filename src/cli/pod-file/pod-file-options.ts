import { existsSync } from 'node:fs';
import type { Command } from 'commander';
import type { PodFileRequest } from '../../contract/index.ts';
import { UsageError } from '../usage-error.ts';

/** How `run` and `create` are told of a pod file, as commander gives it. */
export interface PodFileOptions {
  readonly podfile?: string;
  readonly kubernetes?: string;
  readonly yaml?: boolean;
  /** Without an image, -p is a pod file as the first Hyper's was. */
  readonly publish?: readonly string[];
}

export interface ChosenFile {
  /** `-`: stdin. */
  readonly path: string;
  readonly format: PodFileRequest['format'];
}

/** What may be said beside a pod file; everything else stands in it. */
const besideFile = new Set(
  ['podfile', 'kubernetes', 'yaml', 'publish', 'name', 'rm', 'pull', 'interactive', 'tty'].concat(
    ...['attach', 'detach', 'detachKeys', 'timing', 'wait', 'waitTimeout'],
  ),
);

export function addPodFileOptions(command: Command): Command {
  return command
    .option(
      '--podfile <file>',
      'make the pod of a pod file, in place of an image; - is stdin; without an image also -p',
    )
    .option('-k, --kubernetes <file>', 'make the pod of a Kubernetes manifest of the kind Pod')
    .option('-y, --yaml', 'the pod file is YAML (default: told by what is in it)');
}

/**
 * The file that the command line names in place of an image; undefined where it has an image.
 *
 * @throws UsageError for none of them, for both, and for options that a file does not take.
 */
export function chooseFile(
  { image, args }: { readonly image: string | undefined; readonly args: readonly string[] },
  options: PodFileOptions,
  command: Command,
): ChosenFile | undefined {
  const { podfile, kubernetes, yaml, publish = [] } = options;
  const byPublish = image === undefined ? publish.filter((text) => !isPorts(text)) : [];
  const files = [...[podfile, kubernetes].filter((file) => file !== undefined), ...byPublish];
  const byArgument = command.name() === 'create' && files.length === 0 && image !== undefined && isFile(image, options);
  if (byArgument) files.push(image);
  const [path, second] = files;
  if (path === undefined) {
    if (image === undefined)
      throw new UsageError(`missing required argument 'image': see 'hyper ${command.name()} --help'`);
    if (yaml === true) throw new UsageError('-y is for pod files: give one by -p');
    return undefined;
  }
  if (second !== undefined) throw new UsageError(`${path} and ${second} are two files: give one`);
  if ((image !== undefined && !byArgument) || args.length > 0) {
    throw new UsageError(`${path} says what runs: leave out the image and its command`);
  }
  refuseOthers(path, publish.length > byPublish.length, command);
  const format = kubernetes !== undefined ? 'kubernetes' : yaml === true ? 'yaml' : undefined;
  return { path, format };
}

/** `8080:80` and its like: whoever forgot the image must not hear of a missing file. */
const isPorts = (text: string): boolean => /^((tcp|udp):)?[\d.:[\]-]+(\/\w+)?$/i.test(text) && text !== '-';

/** 0.2.1's `create [-y] POD_FILE`, where it cannot be an image. */
function isFile(text: string, { yaml }: PodFileOptions): boolean {
  return (
    yaml === true || text === '-' || /^\.{0,2}\//.test(text) || (/\.(json|ya?ml|pod)$/.test(text) && existsSync(text))
  );
}

function refuseOthers(path: string, publishes: boolean, command: Command): void {
  const other = command.options.find((option) => {
    const name = option.attributeName();
    return command.getOptionValueSource(name) === 'cli' && (name === 'publish' ? publishes : !besideFile.has(name));
  });
  if (other !== undefined)
    throw new UsageError(`${other.long ?? other.flags} cannot stand beside a pod file: say it in ${path}`);
}
