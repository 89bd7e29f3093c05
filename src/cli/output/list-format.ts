import { alignTabs, renderTable, type Column } from './table.ts';
import { parseTemplate, unescape } from './template-parse.ts';
import { renderTemplate } from './template-render.ts';

export interface ListFormat<Row> {
  /** `table`, `json`, `table TEMPLATE` or a template; undefined is `table`. */
  readonly format: string | undefined;
  readonly columns: readonly Column<Row>[];
  /** The headers of `table TEMPLATE`, where they differ from the field's name. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** A list as its `--format` wants it; null where nothing is to be printed. */
export function formatList<Row extends object>(rows: readonly Row[], list: ListFormat<Row>): string | null {
  const format = list.format ?? 'table';
  if (format === 'table') return renderTable(list.columns, rows);
  if (format === 'json') return rows.length === 0 ? null : rows.map((row) => JSON.stringify(row)).join('\n');
  const isTable = format.startsWith('table ');
  const source = unescape(isTable ? format.slice('table '.length) : format);
  const template = parseTemplate(source);
  const lines = rows.map((row) => renderTemplate(template, row));
  if (!isTable) return lines.length === 0 ? null : lines.join('\n');
  const header = source.replaceAll(/\{\{-?[\s\S]*?-?\}\}/g, (action) => {
    const name = /\.([\p{L}\d_]+)/u.exec(action)?.[1] ?? '';
    return list.headers?.[name] ?? name.replaceAll(/(\p{Ll})(\p{Lu})/gu, '$1 $2').toUpperCase();
  });
  return alignTabs([header, ...lines]);
}
