import { drawAxis, scaleTo } from './axis.ts';
import { element, svgDocument, text, tip } from './svg.ts';

export interface Bar {
  readonly caption: string;
  readonly parts: readonly { readonly name: string; readonly value: number }[];
}

export interface StackedBars {
  readonly title: string;
  readonly unit: string;
  /** Groups of bars, each group on a scale of its own. */
  readonly groups: readonly (readonly Bar[])[];
  /** All parts' names, in the order of the legend. */
  readonly names: readonly string[];
}

const width = 760;
const edge = 16;
const barHeight = 26;
const captionHeight = 24;
const rowHeight = barHeight + captionHeight + 8;
const axisHeight = 30;
const legendRow = 20;
/** A number fits into a part that is so wide. */
const numberWidth = 30;

/** Of the middle, as the text: white on them is readable, and they on white and black. */
const colours = [
  ...['#3b7dd8', '#d9762b', '#3a9d5d', '#b8519e', '#8a7a2f', '#1f9aa8', '#cf4f4f', '#7a68c9'],
  ...['#6f8f2f', '#a8654a', '#4a7f8f', '#c2447a', '#5f6fa0', '#8c8c8c'],
  ...['#2f6f5f', '#9a5fc0', '#b08a3c', '#5a5a8f'],
];

/** A bar a row, made of parts; what the colours mean below them. */
export function stackedBars({ title, unit, groups, names }: StackedBars): string {
  const colourOf = (name: string): string => colours[names.indexOf(name) % colours.length] ?? '#757a82';
  const parts: string[] = [text(edge, 20, title, 'title')];
  let top = 30;
  for (const bars of groups) {
    const bottom = top + bars.length * rowHeight;
    const scale = scaleTo(Math.max(...bars.map(totalOf)), edge, width - 2 * edge);
    const tops = bars.map((_, index) => top + index * rowHeight);
    parts.push(
      ...drawAxis(
        scale,
        tops.map((y) => ({ top: y + captionHeight - 4, bottom: y + rowHeight - 4 })),
        unit,
      ),
    );
    for (const [index, bar] of bars.entries()) {
      const y = tops[index] ?? 0;
      parts.push(text(edge, y + 17, bar.caption), text(width - edge, y + 17, label(totalOf(bar), unit), 'end'));
      parts.push(...drawParts(bar, y + captionHeight, scale.at, colourOf, unit));
    }
    top = bottom + axisHeight;
  }
  const perColumn = Math.ceil(names.length / 2);
  const legend = names.flatMap((name, index) => {
    const [x, y] = [index < perColumn ? edge : width / 2, top + (index % perColumn) * legendRow];
    const swatch = { x, y: y + 2, width: 12, height: 12, rx: 2, fill: colourOf(name) };
    return [element('rect', swatch), text(x + 19, y + 12, name, 'small')];
  });
  return svgDocument(width, top + perColumn * legendRow + 8, title, [...parts, ...legend]);
}

function drawParts(
  { parts }: Bar,
  y: number,
  at: (value: number) => number,
  colourOf: (name: string) => string,
  unit: string,
): string[] {
  let sum = 0;
  return parts.flatMap(({ name, value }) => {
    const [from, to] = [at(sum), at((sum += value))];
    const box = { x: from, y, width: Math.max(0, to - from), height: barHeight, fill: colourOf(name) };
    const drawn = element('rect', box, tip(`${name}: ${label(value, unit)}`));
    if (to - from < numberWidth) return [drawn];
    return [drawn, text((from + to) / 2, y + 17, value.toFixed(value < 100 ? 1 : 0), 'inside')];
  });
}

const totalOf = ({ parts }: Bar): number => parts.reduce((sum, { value }) => sum + value, 0);
const label = (value: number, unit: string): string => `${value.toFixed(value < 100 ? 1 : 0)} ${unit}`;
