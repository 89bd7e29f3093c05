import { median } from '../statistics.ts';
import { drawAxis, type Scale, scaleTo } from './axis.ts';
import { element, svgDocument, text, tip } from './svg.ts';

export interface Strip {
  readonly caption: string;
  readonly values: readonly number[];
  readonly colour: string;
  /** Values that should be reached, with their names. */
  readonly limits: readonly { readonly name: string; readonly value: number }[];
}

export interface DotStrips {
  readonly title: string;
  readonly unit: string;
  readonly strips: readonly Strip[];
}

const width = 760;
const edge = 16;
const stripHeight = 74;
const captionHeight = 25;
const firstStrip = 30;

/** A strip a row: each sample a dot, the median a bar. All on one scale from 0. */
export function dotStrips({ title, unit, strips }: DotStrips): string {
  const values = strips.flatMap(({ values: own, limits }) => [...own, ...limits.map(({ value }) => value)]);
  const scale = scaleTo(Math.max(...values), edge, width - 2 * edge);
  const tops = strips.map((_, index) => firstStrip + index * stripHeight);
  const bottom = firstStrip + strips.length * stripHeight;
  const rows = tops.map((top) => ({ top: top + captionHeight, bottom: top + stripHeight - 2 }));
  return svgDocument(width, bottom + 20, title, [
    text(edge, 20, title, 'title'),
    ...drawAxis(scale, rows, unit),
    ...strips.flatMap((strip, index) => drawStrip(strip, scale, tops[index] ?? 0, unit)),
  ]);
}

function drawStrip({ caption, values, colour, limits }: Strip, scale: Scale, top: number, unit: string): string[] {
  const middle = top + captionHeight + 19;
  const middling = median(values);
  const label = (value: number): string => `${value.toFixed(value < 100 ? 1 : 0)} ${unit}`;
  const dots = values.map((value, index) =>
    element('circle', { cx: scale.at(value), cy: middle + beside(index), r: 3.5 }, tip(label(value))),
  );
  const bar = { x: scale.at(middling) - 1.5, y: middle - 15, width: 3, height: 30, fill: colour };
  return [
    text(edge, top + 18, caption),
    text(width - edge, top + 18, `median ${label(middling)}`, 'end'),
    element('g', { fill: colour, 'fill-opacity': 0.5 }, ...dots),
    element('rect', bar, tip(`median ${label(middling)}`)),
    ...limits.flatMap((limit, index) => {
      const x = scale.at(limit.value);
      const line = element('line', { class: 'limit', x1: x, x2: x, y1: middle - 17, y2: middle + 28 });
      // The first one's name before its line, the second one's after it: they may be close.
      const before = index < limits.length - 1;
      return [line, text(before ? x - 4 : x + 4, middle + 28, limit.name, before ? 'small end' : 'small')];
    }),
  ];
}

/** Dots of the same value must not hide each other. */
const beside = (index: number): number => (((index * 3) % 7) - 3) * 3;
