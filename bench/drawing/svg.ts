type Attributes = Readonly<Record<string, string | number>>;

/** Grey of the middle: readable on white and on black, for pages are read in both. */
const style = [
  'text { font: 13px system-ui, sans-serif; fill: #757a82 }',
  '.small { font-size: 11px }',
  '.title { font-size: 14px; font-weight: 600 }',
  '.inside { font-size: 10px; fill: #fff; text-anchor: middle }',
  '.end { text-anchor: end }',
  '.middle { text-anchor: middle }',
  'line { stroke: #757a82; stroke-opacity: 0.4 }',
  '.limit { stroke-dasharray: 3 3; stroke-opacity: 1 }',
].join('\n');

const entities: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
const escape = (text: string): string => text.replace(/[&<>"]/g, (each) => entities[each] ?? each);

/** A hundredth of a pixel is enough, and keeps the files small. */
const attribute = (value: string | number): string =>
  typeof value === 'number' ? String(Number(value.toFixed(2))) : escape(value);

/** An element of elements. */
export function element(name: string, attributes: Attributes, ...children: readonly string[]): string {
  const written = Object.entries(attributes).map(([key, value]) => ` ${key}="${attribute(value)}"`);
  const open = `<${name}${written.join('')}`;
  return children.length === 0 ? `${open}/>` : `${open}>${children.join('')}</${name}>`;
}

export function text(x: number, y: number, content: string, classes = ''): string {
  return element('text', { x, y, ...(classes === '' ? {} : { class: classes }) }, escape(content));
}

/** What a pointer that rests on an element is told. */
export const tip = (content: string): string => element('title', {}, escape(content));

export function svgDocument(width: number, height: number, label: string, parts: readonly string[]): string {
  const root = {
    xmlns: 'http://www.w3.org/2000/svg',
    viewBox: `0 0 ${width} ${height}`,
    role: 'img',
    'aria-label': label,
  };
  const body = [element('style', {}, style), ...parts].join('\n');
  return `${element('svg', { ...root, width, height }, `\n${body}\n`)}\n`;
}
