import { element, text } from './svg.ts';

/** From values to pixels, both from 0 on. */
export interface Scale {
  readonly ticks: readonly number[];
  readonly at: (value: number) => number;
}

const mostTicks = 8;

/** A scale from 0 to a round number that is not below `max`. */
export function scaleTo(max: number, left: number, width: number): Scale {
  const step = roundStep(max / mostTicks);
  const count = Math.max(1, Math.ceil(max / step));
  const ticks = Array.from({ length: count + 1 }, (_, index) => index * step);
  return { ticks, at: (value) => left + (value / (count * step)) * width };
}

/** 1, 2 or 5 times a power of ten. */
function roundStep(least: number): number {
  const power = 10 ** Math.floor(Math.log10(least));
  return ([1, 2, 5, 10].find((factor) => factor * power >= least) ?? 10) * power;
}

/** Lines at the ticks through each row, and their numbers below the last one. */
export function drawAxis(
  { ticks, at }: Scale,
  rows: readonly { readonly top: number; readonly bottom: number }[],
  unit: string,
): string[] {
  const below = Math.max(...rows.map(({ bottom }) => bottom)) + 15;
  return ticks.flatMap((tick, index) => {
    const x = at(tick);
    const last = index === ticks.length - 1;
    const number = `${Number(tick.toPrecision(6))}${last ? ` ${unit}` : ''}`;
    const anchor = index === 0 ? 'small' : last ? 'small end' : 'small middle';
    const lines = rows.map(({ top, bottom }) => element('line', { x1: x, x2: x, y1: top, y2: bottom }));
    return [...lines, text(x, below, number, anchor)];
  });
}
