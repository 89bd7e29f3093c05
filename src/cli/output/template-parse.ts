import { UsageError } from '../usage-error.ts';

/** An operand or a call of a Go template's pipeline: `.Labels`, `"text"`, `3`, `json .`, `join .Args " "`. */
export type Expression =
  | { readonly type: 'field'; readonly path: readonly string[] }
  | { readonly type: 'literal'; readonly value: string | number | boolean }
  | { readonly type: 'call'; readonly name: string; readonly args: readonly Expression[] }
  | { readonly type: 'pipe'; readonly stages: readonly Expression[] };

export type TemplateNode =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'value'; readonly expression: Expression }
  | {
      readonly type: 'if' | 'range' | 'with';
      readonly test: Expression;
      readonly then: Template;
      readonly else: Template;
    };

export type Template = readonly TemplateNode[];

const tokenPattern =
  /\s*(?:"((?:[^"\\]|\\.)*)"|`([^`]*)`|(\|)|(\()|(\))|(-?\d+(?:\.\d+)?)|((?:\.[\p{L}_][\p{L}\d_]*)+|\.)|([a-z]+))/uy;

/** A template of Go's text/template, as far as docker's `--format` uses it: fields, calls, pipes, if, range, with. */
export function parseTemplate(source: string): Template {
  const pieces = source.split(/(\{\{-?[\s\S]*?-?\}\})/);
  let at = 0;
  const template = block([]);
  return template;

  function block(ends: readonly string[]): Template {
    const nodes: TemplateNode[] = [];
    for (; at < pieces.length; at++) {
      const piece = pieces[at] ?? '';
      const action = /^\{\{(-?)([\s\S]*?)(-?)\}\}$/.exec(piece);
      if (action === null) {
        if (piece.includes('{{')) throw new UsageError(`the format '${source}' has an action without its '}}'`);
        if (piece !== '') nodes.push({ type: 'text', text: trimmed(piece, at) });
        continue;
      }
      const inside = (action[2] ?? '').trim();
      if (ends.includes(inside)) return nodes;
      const [, keyword, rest = ''] = /^(if|range|with)\s+([\s\S]+)$/.exec(inside) ?? [];
      if (keyword === 'if' || keyword === 'range' || keyword === 'with') {
        at += 1;
        const then = block(['else', 'end']);
        const hasElse = /else/.test(pieces[at] ?? '');
        if (hasElse) at += 1;
        nodes.push({ type: keyword, test: parseExpression(rest, source), then, else: hasElse ? block(['end']) : [] });
      } else {
        nodes.push({ type: 'value', expression: parseExpression(inside, source) });
      }
    }
    if (ends.length > 0) throw new UsageError(`the format '${source}' lacks an {{end}}`);
    return nodes;
  }

  /** `{{-` and `-}}` take the blanks beside them. */
  function trimmed(text: string, index: number): string {
    const start = pieces[index - 1]?.endsWith('-}}') === true ? text.trimStart() : text;
    return pieces[index + 1]?.startsWith('{{-') === true ? start.trimEnd() : start;
  }
}

function parseExpression(text: string, source: string): Expression {
  const wrong = (): UsageError =>
    new UsageError(`the format '${source}' has an action that cannot be read: {{${text}}}`);
  const tokens: RegExpExecArray[] = [];
  tokenPattern.lastIndex = 0;
  while (tokenPattern.lastIndex < text.trimEnd().length) {
    const token = tokenPattern.exec(text);
    if (token === null) throw wrong();
    tokens.push(token);
  }
  let at = 0;
  const expression = pipeline();
  if (at < tokens.length) throw wrong();
  return expression;

  function pipeline(): Expression {
    const stages = [command()];
    while (tokens[at]?.[3] !== undefined) {
      at += 1;
      stages.push(command());
    }
    const [only] = stages;
    return stages.length === 1 && only !== undefined ? only : { type: 'pipe', stages };
  }

  function command(): Expression {
    const name = tokens[at]?.[8];
    if (name === undefined || name === 'true' || name === 'false') return operand();
    at += 1;
    const args: Expression[] = [];
    while (at < tokens.length && tokens[at]?.[3] === undefined && tokens[at]?.[5] === undefined) args.push(operand());
    return { type: 'call', name, args };
  }

  function operand(): Expression {
    const token = tokens[at];
    if (token === undefined) throw wrong();
    at += 1;
    const [, quoted, raw, , open, , number, field, word] = token;
    if (quoted !== undefined) return { type: 'literal', value: unescape(quoted) };
    if (raw !== undefined) return { type: 'literal', value: raw };
    if (number !== undefined) return { type: 'literal', value: Number(number) };
    if (field !== undefined) return { type: 'field', path: field.split('.').filter((part) => part !== '') };
    if (word === 'true' || word === 'false') return { type: 'literal', value: word === 'true' };
    if (open === undefined) throw wrong();
    const inner = pipeline();
    if (tokens[at]?.[5] === undefined) throw wrong();
    at += 1;
    return inner;
  }
}

/** Backslash escapes as a shell's single quotes leave them: `\t` and `\n`. */
export function unescape(text: string): string {
  return text.replaceAll(/\\(.)/g, (_, letter: string) => (letter === 't' ? '\t' : letter === 'n' ? '\n' : letter));
}
