import { type Bar, dotStrips, stackedBars } from './drawing/index.ts';
import type { Breakdown } from './measure.ts';
import type { Result } from './pairs.ts';
import type { Run } from './report.ts';
import { mergeOrder } from './run-timing.ts';

export interface Picture {
  /** Of its file, without the ending. */
  readonly name: string;
  /** What it shows, in words. */
  readonly title: string;
  readonly svg: string;
}

const [oursColour, peerColour] = ['#3b7dd8', '#d9762b'];
/** Bars that are so many times longer than the shortest one get a scale of their own. */
const farLonger = 8;

/** The pictures of a run: its comparisons, and what its time went to. */
export function drawRun({ results, breakdowns }: Run): Picture[] {
  return [...results.map(drawResult), ...(breakdowns.length > 0 ? [drawBreakdowns(breakdowns)] : [])];
}

function drawResult(result: Result): Picture {
  const { name, unit, peerMedian, reach, aim, ratio } = result;
  const [what, peer] = [plain(result.what), plain(result.peerIs)];
  const title = `${name}: the medians’ ratio is ${ratio.toFixed(2)}`;
  const limits = [
    ...(aim === null ? [] : [{ name: `aim ${aim}`, value: aim * peerMedian }]),
    ...(reach === null ? [] : [{ name: `reach ${reach}`, value: reach * peerMedian }]),
  ];
  const values = (samples: Result['ours']): number[] => samples.map(({ value }) => value);
  const strips = [
    { caption: what, values: values(result.ours), colour: oursColour, limits },
    { caption: peer, values: values(result.peer), colour: peerColour, limits: [] },
  ];
  return {
    name,
    title: `${what}, against ${peer}: each sample and the medians`,
    svg: dotStrips({ title, unit, strips }),
  };
}

function drawBreakdowns(breakdowns: readonly Breakdown[]): Picture {
  const names = mergeOrder(breakdowns.map(({ steps }) => steps.map(({ name }) => name)).toReversed());
  const bars = breakdowns.map(({ of, steps }): Bar => {
    return { caption: of, parts: steps.map(({ name, milliseconds }) => ({ name, value: milliseconds })) };
  });
  const lengthOf = ({ parts }: Bar): number => parts.reduce((sum, { value }) => sum + value, 0);
  const shortest = Math.min(...bars.map(lengthOf));
  const isLong = (bar: Bar): boolean => lengthOf(bar) > farLonger * shortest;
  const groups = [bars.filter((bar) => !isLong(bar)), bars.filter(isLong)].filter((group) => group.length > 0);
  const title = 'Where the milliseconds of a run go (medians; each group of bars on a scale of its own)';
  return { name: 'breakdown', title, svg: stackedBars({ title, unit: 'ms', groups, names }) };
}

/** Without Markdown's marks. */
const plain = (text: string): string => text.replaceAll('`', '');
