export interface Column<Row> {
  readonly header: string;
  readonly cell: (row: Row) => string;
  /** The least width; a longer cell widens the column, none is cut. */
  readonly width?: number;
  readonly align?: 'left' | 'right';
}

/** The first Hyper's tables: columns as `printf("%15s%30s")`, grown where a cell would touch its neighbour. */
export function renderTable<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): string {
  const cells = [
    columns.map((column) => column.header),
    ...rows.map((row) => columns.map((column) => column.cell(row))),
  ];
  const widths = columns.map((column, at) => {
    const longest = Math.max(...cells.map((line) => (line[at] ?? '').length));
    return Math.max(column.width ?? 0, column.align === 'left' ? longest + 2 : longest + 1);
  });
  return cells
    .map((line) =>
      line
        .map((cell, at) =>
          columns[at]?.align === 'left' ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0),
        )
        .join('')
        .trimEnd(),
    )
    .join('\n');
}

/** Lines of tab-separated cells in columns three blanks apart, as docker's `table` formats. */
export function alignTabs(lines: readonly string[]): string {
  const cells = lines.map((line) => line.split('\t'));
  const count = Math.max(...cells.map((line) => line.length));
  const widths = Array.from({ length: count }, (_, at) => Math.max(...cells.map((line) => (line[at] ?? '').length)));
  return cells
    .map((line) =>
      line.map((cell, at) => (at === line.length - 1 ? cell : cell.padEnd((widths[at] ?? 0) + 3))).join(''),
    )
    .join('\n');
}
