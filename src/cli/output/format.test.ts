import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { UsageError } from '../usage-error.ts';
import { LineStamper } from './line-stamper.ts';
import { formatList } from './list-format.ts';
import { renderTable } from './table.ts';
import { parseTemplate } from './template-parse.ts';
import { renderTemplate } from './template-render.ts';
import { showAge, showBytes } from './units.ts';

const data = {
  ID: 'pod-1',
  state: 'running',
  args: ['ls', '-la'],
  labels: { k: 'v', 'a.b': 'c' },
  none: null,
  n: 3,
  inner: { x: 1 },
};
const render = (template: string): string => renderTemplate(parseTemplate(template), data);

describe('a template', () => {
  for (const [template, text] of [
    ['{{.ID}}', 'pod-1'],
    ['{{ .State }}/{{.inner.x}}', 'running/1'],
    ['{{json .inner}} {{json .args}}', '{"x":1} ["ls","-la"]'],
    ['{{.args}} {{.labels}} {{.none}}', '[ls -la] map[k:v a.b:c] <no value>'],
    ['{{join .args ","}} {{.ID | upper | json}}', 'ls,-la "POD-1"'],
    ['{{index .labels "a.b"}} {{index .args 1}} {{len .args}}', 'c -la 2'],
    ['{{range .args}}<{{.}}>{{end}}{{range .none}}x{{else}}empty{{end}}', '<ls><-la>empty'],
    ['{{if eq .state "running"}}yes{{else}}no{{end}}{{if .none}}x{{end}}', 'yes'],
    ['{{if and (eq .n 3) (not .none)}}both{{end}}', 'both'],
    ['a {{- .ID -}} b', 'apod-1b'],
    ['{{with .inner}}{{.x}}{{end}} {{println .n}}', '1 3\n'],
    ['plain', 'plain'],
  ] as const) {
    it(`renders ${template}`, () => assert.equal(render(template), text));
  }
  for (const template of ['{{.ID', '{{.nope}}', '{{nope .ID}}', '{{if .ID}}x', '{{.ID)}}', '{{}}', '{{"a}}']) {
    it(`refuses ${template}`, () => assert.throws(() => render(template), UsageError));
  }
});

describe('a list', () => {
  const columns = [
    { header: 'ID', width: 6, cell: (row: { id: string; name: string }) => row.id },
    { header: 'Name', width: 8, cell: (row: { id: string; name: string }) => row.name },
  ];
  it('is right-aligned to the least widths, and wider cells are not cut', () => {
    assert.equal(renderTable(columns, [{ id: 'a', name: 'b' }]), '    ID    Name\n     a       b');
    assert.equal(
      renderTable(columns, [
        { id: 'a', name: 'long-long-name' },
        { id: 'b', name: '' },
      ]),
      '    ID           Name\n     a long-long-name\n     b',
    );
  });
  it('comes as JSON lines, by a template, or by one with columns', () => {
    const rows = [{ id: 'a', name: 'b' }];
    const format = (text: string): string | null =>
      formatList(rows, { columns, format: text, headers: { id: 'POD ID' } });
    assert.equal(format('json'), '{"id":"a","name":"b"}');
    assert.equal(format('{{.id}}\\t{{.name}}'), 'a\tb');
    assert.equal(format('table {{.id}}\\t{{upper .name}}'), 'POD ID   NAME\na        B');
    assert.equal(formatList([], { columns, format: 'json' }), null);
  });
});

describe('units and times', () => {
  it('read as docker’s', () => {
    assert.deepEqual([0, 999, 1000, 4_270_000, 1e10, 999_950].map(showBytes), [
      '0B',
      '999B',
      '1kB',
      '4.27MB',
      '10GB',
      '1MB',
    ]);
    const now = Date.parse('2026-01-10T00:00:00Z');
    assert.equal(showAge('2026-01-09T23:59:59Z', now), '1 second ago');
    assert.equal(showAge('2026-01-08T12:00:00Z', now), '36 hours ago');
    assert.equal(showAge('2025-01-01T00:00:00Z', now), '12 months ago');
    assert.equal(showAge(null, now), 'N/A');
  });
  it('stand before each line, however it is cut', () => {
    const stamper = new LineStamper();
    const time = 1_767_225_600_000_000_001n;
    const stamp = '2026-01-01T00:00:00.000000001Z ';
    assert.equal(stamper.stamp(Buffer.from('a\nb'), time).toString(), `${stamp}a\n${stamp}b`);
    assert.equal(stamper.stamp(Buffer.from('c\n\n'), time).toString(), `c\n${stamp}\n`);
  });
});
