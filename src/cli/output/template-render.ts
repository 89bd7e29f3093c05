import { UsageError } from '../usage-error.ts';
import type { Expression, Template } from './template-parse.ts';

type Call = (args: readonly unknown[]) => unknown;

const calls: Readonly<Record<string, Call>> = {
  json: ([value]) => JSON.stringify(value ?? null),
  join: ([list, separator]) => (Array.isArray(list) ? list.map(show).join(show(separator)) : show(list)),
  split: ([text, separator]) => show(text).split(show(separator)),
  upper: ([text]) => show(text).toUpperCase(),
  lower: ([text]) => show(text).toLowerCase(),
  title: ([text]) => show(text).replaceAll(/\b\p{Ll}/gu, (letter) => letter.toUpperCase()),
  len: ([value]) =>
    typeof value === 'string' || Array.isArray(value) ? value.length : Object.keys(asRecord(value)).length,
  index: ([value, ...keys]) => keys.reduce((inner, key) => pick(inner, show(key)), value),
  println: (args) => `${args.map(show).join(' ')}\n`,
  print: (args) => args.map(show).join(''),
  eq: ([first, ...others]) => others.some((other) => show(other) === show(first)),
  ne: ([first, other]) => show(first) !== show(other),
  not: ([value]) => !isTrue(value),
  and: (args) => args.find((value) => !isTrue(value)) ?? args.at(-1),
  or: (args) => args.find(isTrue) ?? args.at(-1),
};

/** A template with its fields filled from `data`; a field's case does not matter. @throws UsageError for a field that is not there. */
export function renderTemplate(template: Template, data: unknown): string {
  return template
    .map((node) => {
      if (node.type === 'text') return node.text;
      if (node.type === 'value') return show(evaluate(node.expression, data));
      const value = evaluate(node.test, data);
      if (!isTrue(value)) return renderTemplate(node.else, data);
      if (node.type === 'if') return renderTemplate(node.then, data);
      if (node.type === 'with') return renderTemplate(node.then, value);
      const items: unknown[] = Array.isArray(value) ? value : Object.values(asRecord(value));
      return items.map((item) => renderTemplate(node.then, item)).join('');
    })
    .join('');
}

function evaluate(expression: Expression, data: unknown, piped: readonly unknown[] = []): unknown {
  switch (expression.type) {
    case 'literal':
      return expression.value;
    case 'field':
      return expression.path.reduce(pickKnown, data);
    case 'pipe':
      return expression.stages.reduce<readonly unknown[]>((value, stage) => [evaluate(stage, data, value)], [])[0];
    case 'call': {
      const call = calls[expression.name];
      if (call === undefined) {
        throw new UsageError(`the format calls '${expression.name}': known are ${Object.keys(calls).join(', ')}`);
      }
      return call([...expression.args.map((argument) => evaluate(argument, data)), ...piped]);
    }
  }
}

/** A field that must be there: a wrong name is not an empty text. */
function pickKnown(value: unknown, name: string): unknown {
  const record = asRecord(value);
  if (keyOf(record, name) === undefined) {
    throw new UsageError(
      `the format asks for .${name}, which is not there: known are ${Object.keys(record).join(', ')}`,
    );
  }
  return pick(value, name);
}

function pick(value: unknown, name: string): unknown {
  if (Array.isArray(value)) return value[Number(name)];
  const record = asRecord(value);
  const key = keyOf(record, name);
  return key === undefined ? undefined : record[key];
}

function keyOf(record: Readonly<Record<string, unknown>>, name: string): string | undefined {
  if (Object.hasOwn(record, name)) return name;
  return Object.keys(record).find((key) => key.toLowerCase() === name.toLowerCase());
}

function asRecord(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? Object.fromEntries(Object.entries(value)) : {};
}

function isTrue(value: unknown): boolean {
  if (Array.isArray(value)) return value.length > 0;
  if (typeof value === 'object' && value !== null) return Object.keys(value).length > 0;
  return Boolean(value);
}

/** As Go prints values: lists in brackets, maps as `map[key:value]`, null as `<no value>`. */
function show(value: unknown): string {
  if (value === null || value === undefined) return '<no value>';
  if (Array.isArray(value)) return `[${value.map(show).join(' ')}]`;
  if (typeof value === 'object') {
    return `map[${Object.entries(value)
      .map(([key, inner]) => `${key}:${show(inner)}`)
      .join(' ')}]`;
  }
  return typeof value === 'string' ? value : JSON.stringify(value);
}
