export { type DotStrips, dotStrips, type Strip } from './dot-strips.ts';
export { type Bar, type StackedBars, stackedBars } from './stacked-bars.ts';
