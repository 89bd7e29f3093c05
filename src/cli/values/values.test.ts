import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { bounds, textForms } from '../../contract/bounds.ts';
import { UsageError } from '../usage-error.ts';
import { parseBounded, parseForm, parseLabels, parseTmpfs, parseUlimit, parseWhole } from './container-values.ts';
import { collectVariables, parseEnvFile, parseVariable } from './environment.ts';
import { parseCpus, parsePidsLimit, parseSysctls } from './limits.ts';
import { parseBytes, parseMebibytes } from './memory.ts';
import { parseDuration, parseMoment } from './moment.ts';

const memory = (text: string): number => parseMebibytes(text, '--memory', { least: 2, most: 1 << 20 });

describe('--memory', () => {
  for (const [text, mebibytes] of [
    ['128', 128],
    ['512m', 512],
    ['2g', 2048],
    ['1.5GiB', 1536],
    ['1T', 1048576],
    ['1025k', 2],
    ['1048577b', 2],
    ['64 MB', 64],
  ] as const) {
    it(`takes ${text} as ${mebibytes} MiB`, () => assert.equal(memory(text), mebibytes));
  }
  for (const text of ['', '0', '-1', 'lots', '1x', '1e3', '0.0m']) {
    it(`refuses '${text}'`, () => assert.throws(() => memory(text), UsageError));
  }
  it('says what it may be', () => {
    const asked = (text: string) => (): number => parseMebibytes(text, '--memory', bounds.memoryMiB);
    assert.throws(asked('64m'), { name: 'UsageError', message: "--memory is '64m': give at least 96m" });
    assert.throws(asked('2t'), { name: 'UsageError', message: "--memory is '2t': give at most 1048576m" });
  });
});

describe('--env and --env-file', () => {
  const env = { OWN: 'mine', EMPTY: '' };
  it('passes on our own variables by name, and none that we have not', () => {
    assert.deepEqual(
      ['A=b=c', 'OWN', 'EMPTY', 'ABSENT', 'X='].flatMap((text) => parseVariable(text, env)),
      ['A=b=c', 'OWN=mine', 'EMPTY=', 'X='],
    );
    assert.throws(() => parseVariable('=x', env), UsageError);
  });
  it('reads a file by docker’s rules', () => {
    const content = '\uFEFF# a comment\r\nA=1\r\n\n  B= 2 "x" # kept \n OWN\nABSENT\n';
    assert.deepEqual(parseEnvFile(content, env, 'f'), ['A=1', 'B= 2 "x" # kept ', 'OWN=mine']);
    assert.throws(() => parseEnvFile('A=1\n=x', env, 'f'), /line 2 of f has no name/);
    assert.throws(() => parseEnvFile('A B=1', env, 'f'), /line 1 of f: the name 'A B' has a blank/);
  });
  it('lets the last of a name win, and says which file is not there', () => {
    assert.deepEqual(collectVariables(['A=1', 'B=2', 'A=3'], [], {}), ['A=3', 'B=2']);
    assert.throws(() => collectVariables([], ['/nonexistent'], {}), /cannot read --env-file \/nonexistent/);
  });
});

describe('--ulimit, --tmpfs, --label, numbers', () => {
  it('reads them', () => {
    assert.deepEqual(parseUlimit('nofile=1024:2048'), { name: 'nofile', soft: 1024, hard: 2048 });
    assert.deepEqual(parseUlimit('core=0'), { name: 'core', soft: 0, hard: 0 });
    assert.deepEqual(parseUlimit('memlock=5:unlimited'), { name: 'memlock', soft: 5, hard: -1 });
    assert.deepEqual(parseTmpfs('/tmp'), { path: '/tmp', options: '' });
    assert.deepEqual(parseTmpfs('/tmp:size=1m,mode=1777'), { path: '/tmp', options: 'size=1m,mode=1777' });
    assert.deepEqual(parseLabels(['a=b=c', 'd']), { a: 'b=c', d: '' });
    assert.equal(parseWhole('10', '--timeout'), 10);
  });
  it('refuses what is none', () => {
    for (const text of ['nofile', 'nofile=', 'nofile=2:1', 'nofile=-2', 'nofile=-1:5', 'nofile=x']) {
      assert.throws(() => parseUlimit(text), UsageError, text);
    }
    assert.throws(() => parseTmpfs('tmp'), UsageError);
    assert.throws(() => parseLabels(['=x']), UsageError);
    for (const text of ['', '1.5', '-1', 'x']) assert.throws(() => parseWhole(text, '--timeout'), UsageError, text);
    assert.throws(() => parseWhole('0', '--cpu', 1), UsageError);
    assert.throws(() => parseBounded('65', '--cpu', bounds.vcpus), /^UsageError: --cpu is '65': .* 1 to 64$/);
  });
  it('names the flag of a name that is none, and says what it must be', () => {
    for (const text of ['', 'a b', '-a', 'a'.repeat(64)]) {
      assert.throws(
        () => parseForm(text, '--hostname', textForms.hostname),
        /^UsageError: --hostname is '.*': it must/,
      );
    }
    assert.equal(parseForm('a'.repeat(63), '--hostname', textForms.hostname).length, 63);
    assert.throws(() => parseForm('rel', '--workdir', textForms.absolutePath), /--workdir is 'rel': .* absolute path/);
  });
});

describe('--since', () => {
  const now = Date.parse('2026-01-01T12:00:00Z');
  it('takes seconds, RFC 3339 and Go durations', () => {
    assert.equal(parseMoment('1767225600.5', '--since', now), '1767225600.5');
    assert.equal(parseMoment('2026-01-01T00:00:00.123456789Z', '--since', now), '2026-01-01T00:00:00.123456789Z');
    assert.equal(parseMoment('2026-01-01T00:00:00+02:00', '--since', now), '2026-01-01T00:00:00+02:00');
    assert.equal(parseMoment('10m', '--since', now), '2026-01-01T11:50:00.000Z');
    assert.equal(parseMoment('2026-01-01', '--since', now), new Date(2026, 0, 1).toISOString());
    assert.equal(parseDuration('1h30m1.5s'), 5401.5);
    assert.equal(parseDuration('250ms'), 0.25);
    assert.equal(parseDuration('10'), undefined);
    assert.throws(() => parseMoment('yesterday', '--since', now), UsageError);
  });
});

describe('limits', () => {
  it('are read by docker’s rules', () => {
    assert.deepEqual(['1', '.5', '0.01', '1.50'].map(parseCpus), [1, 0.5, 0.01, 1.5]);
    assert.deepEqual(['-1', '0', '100'].map(parsePidsLimit), [-1, 0, 100]);
    assert.deepEqual(parseSysctls(['net.a=1', 'kernel.b/c=x=y', 'net.a=2 3']), { 'net.a': '2 3', 'kernel.b/c': 'x=y' });
    const least = { least: 4096, most: 2 ** 30, example: '1m' };
    assert.deepEqual(
      ['4096', '4k', '1.5m', '1GB'].map((text) => parseBytes(text, '--x', least)),
      [4096, 4096, 1572864, 2 ** 30],
    );
  });
  it('that are none are refused', () => {
    const bad = (read: (text: string) => unknown, ...texts: readonly string[]): void => {
      for (const text of texts) assert.throws(() => read(text), UsageError, text);
    };
    bad(parseCpus, '', '0', '-1', '1e3', 'x', '1.', '0.001');
    bad(parsePidsLimit, '', '-2', '1.5', 'max', '1'.repeat(20));
    bad((text) => parseSysctls([text]), '', 'net.a', '=1', 'user.a=1', 'net.=1', 'net.a b=1');
    bad((text) => parseBytes(text, '--x', { least: 10, most: 20, example: '1m' }), '', '9', '-1', '1x', '1e9', '21');
  });
});
