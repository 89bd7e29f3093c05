import { ApiFailure } from '../../client/index.ts';
import type { ImageProgress } from '../../contract/index.ts';
import { ProgressLines } from './progress-lines.ts';
import { ProgressScreen, type Screen } from './progress-screen.ts';
import { stderr } from '../standard-streams.ts';

export type ImageArrived = Extract<ImageProgress, { readonly type: 'done' }>;

interface Progress {
  layer(layer: Extract<ImageProgress, { readonly type: 'layer' }>): void;
  status(message: string): void;
  end(): void;
}

const silent: Progress = {
  layer: () => undefined,
  status: () => undefined,
  end: () => undefined,
};

/** Bars on a terminal, lines elsewhere, nothing when quiet. It is never in the way of the output: it goes to stderr. */
export function stderrProgress(quiet: boolean): Progress {
  if (quiet) return silent;
  const stream = stderr();
  if (!stream.isTTY) return new ProgressLines((line) => stream.write(`${line}\n`));
  const screen: Screen = {
    write: (text) => stream.write(text),
    get columns() {
      return stream.columns > 0 ? stream.columns : 80;
    },
    get rows() {
      return stream.rows > 0 ? stream.rows : 24;
    },
  };
  return new ProgressScreen(screen);
}

/** Shows a pull or load until its end. @returns the images that came. @throws ApiFailure when it failed. */
export async function followProgress(
  events: AsyncIterable<ImageProgress>,
  progress: Progress,
): Promise<ImageArrived[]> {
  const arrived: ImageArrived[] = [];
  try {
    for await (const event of events) {
      if (event.type === 'layer') progress.layer(event);
      else if (event.type === 'status') progress.status(event.message);
      else if (event.type === 'done') arrived.push(event);
      else throw new ApiFailure(event.code, event.message);
    }
  } finally {
    progress.end();
  }
  if (arrived.length === 0) {
    throw new ApiFailure(
      'unavailable',
      'lost the connection to the Hyper daemon before the image was there: try again',
    );
  }
  return arrived;
}
