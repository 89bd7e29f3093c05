import { describeLayer, type LayerProgress } from './layer-words.ts';

/** One line each time that a layer's state changes: for files, pipes and CI logs. */
export class ProgressLines {
  readonly #write: (line: string) => void;
  readonly #states = new Map<string, LayerProgress['status']>();

  constructor(write: (line: string) => void) {
    this.#write = write;
  }

  layer(layer: LayerProgress): void {
    if (this.#states.get(layer.digest) === layer.status) return;
    this.#states.set(layer.digest, layer.status);
    this.#write(describeLayer(layer));
  }

  status(message: string): void {
    this.#write(message);
  }

  end(): void {
    this.#states.clear();
  }
}
