import { showBytes } from '../output/units.ts';
import { describeLayer, isSettled, type LayerProgress } from './layer-words.ts';

const barWidth = 50;
const leastBarWidth = 10;
/** As often as an eye can follow. */
const redrawMs = 50;

export interface Screen {
  write(text: string): void;
  readonly columns: number;
  readonly rows: number;
}

/** One line a layer, redrawn in place (ECMA-48: CUU goes up, EL clears a line, ED what is below). */
export class ProgressScreen {
  readonly #screen: Screen;
  readonly #layers = new Map<string, LayerProgress>();
  #drawnLines = 0;
  #timer: NodeJS.Timeout | null = null;

  constructor(screen: Screen) {
    this.#screen = screen;
  }

  layer(layer: LayerProgress): void {
    this.#layers.set(layer.digest, layer);
    this.#timer ??= setTimeout(() => this.#draw([]), redrawMs);
  }

  /** A line that stays, above the layers. */
  status(message: string): void {
    this.#draw([message]);
  }

  /** Draws what is outstanding; the lines stay as they are. */
  end(): void {
    this.#draw([]);
    this.#drawnLines = 0;
    this.#layers.clear();
  }

  #draw(messages: readonly string[]): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    const lines = this.#visibleLines();
    const up = this.#drawnLines === 0 ? '' : `\x1b[${this.#drawnLines}A`;
    const text = [...messages, ...lines].map((line) => `\x1b[2K${line.slice(0, this.#screen.columns - 1)}\n`).join('');
    this.#drawnLines = lines.length;
    if (up !== '' || text !== '') this.#screen.write(`${up}\r${text}\x1b[J`);
  }

  /** No more than fit: the cursor cannot go above the screen. Those that are under way go before those that are done. */
  #visibleLines(): string[] {
    const layers = [...this.#layers.values()];
    const room = Math.max(1, this.#screen.rows - 1);
    if (layers.length <= room) return layers.map((layer) => this.#line(layer));
    const open = layers.filter((layer) => !isSettled(layer));
    const summary = `${layers.length - open.length} of ${layers.length} layers complete`;
    return [...open.slice(0, room - 1).map((layer) => this.#line(layer)), summary];
  }

  #line(layer: LayerProgress): string {
    const words = describeLayer(layer);
    if (layer.status !== 'downloading' && layer.status !== 'retrying') return words;
    if (layer.totalBytes === null || layer.totalBytes === 0) return `${words} ${showBytes(layer.currentBytes)}`;
    const amount = `${showBytes(layer.currentBytes)}/${showBytes(layer.totalBytes)}`;
    const width = Math.min(barWidth, this.#screen.columns - words.length - amount.length - 6);
    if (width < leastBarWidth) return `${words} ${amount}`;
    const filled = Math.min(width, Math.floor((width * layer.currentBytes) / layer.totalBytes));
    const bar = filled === width ? '='.repeat(width) : `${'='.repeat(filled)}>`.padEnd(width);
    return `${words} [${bar}] ${amount}`;
  }
}
