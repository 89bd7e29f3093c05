import type { PodSpec } from '../../contract/index.ts';
import type { StandardStreams } from '../terminal/foreground.ts';
import type { StreamChoice } from '../terminal/stream-choice.ts';
import { UsageError } from '../usage-error.ts';

/** What the command line may say of a pod of which a file says the rest. */
export interface FileOverrides {
  readonly name?: string;
  readonly rm?: boolean;
  readonly interactive?: boolean;
  readonly tty?: boolean;
}

interface Terminal {
  /** Our streams are to be the first container's. */
  readonly attached: boolean;
  /** The pod file came by it. */
  readonly stdinIsTaken: boolean;
  readonly streams: StandardStreams;
  readonly size: { readonly rows: number; readonly cols: number } | undefined;
}

/** The file's pod with what the command line says of it, and what of our streams its first container gets. */
export function podOfFile(
  spec: PodSpec,
  options: FileOverrides,
  terminal: Terminal,
): { readonly spec: PodSpec; readonly streams: StreamChoice } {
  const { attached, stdinIsTaken, streams, size } = terminal;
  const [first, ...others] = spec.containers;
  if (stdinIsTaken && options.interactive === true)
    throw new UsageError('stdin is the pod file: -i has nothing to send');
  const tty = options.tty ?? first?.tty ?? false;
  const forTerminal = attached && tty && streams.stdinIsTerminal;
  const stdin = options.interactive ?? first?.stdin ?? forTerminal;
  const sent = stdin && !stdinIsTaken;
  const containers = first === undefined ? others : [{ ...first, tty, stdin }, ...others];
  const [own] = containers;
  if (own !== undefined && attached && sent && !tty) own.stdinOnce = true;
  if (own !== undefined && attached && tty && size !== undefined) own.terminalSize = { ...size };
  const overridden = {
    ...(options.name === undefined ? {} : { name: options.name }),
    ...(options.rm === true ? { autoRemove: true } : {}),
  };
  return { spec: { ...spec, ...overridden, containers }, streams: { tty, stdin: sent } };
}
