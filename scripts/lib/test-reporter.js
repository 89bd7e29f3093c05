/**
 * A reporter for node:test that is short when all is well: a line a file, failures whole, every skipped test with its
 * reason, and last the counts in the form of node's own.
 */
import { basename } from 'node:path';

export default async function* report(source) {
  const counts = { tests: 0, pass: 0, fail: 0, skipped: 0, todo: 0 };
  const files = new Map();
  const began = Date.now();
  // A suite that a helper describes is its tests': those of a file are told before another's.
  let fileOfTests = '';
  for await (const { type, data } of source) {
    if (type !== 'test:pass' && type !== 'test:fail') continue;
    const isSuite = data.details?.type === 'suite';
    const from = data.file === undefined ? '' : basename(data.file);
    if (!isSuite) fileOfTests = from;
    const file = from.endsWith('.test.ts') ? from : fileOfTests;
    const failed = type === 'test:fail';
    // Of a suite that is skipped nothing is told but this: it counts as one test.
    const skipped = data.skip !== undefined && data.skip !== false;
    if ((!isSuite || skipped) && !(data.nesting === 0 && data.name === data.file)) {
      counts.tests++;
      if (skipped) {
        counts.skipped++;
        yield `  skipped  ${file}: ${data.name}: ${typeof data.skip === 'string' ? data.skip : 'no reason given'}\n`;
      } else if (failed) counts.fail++;
      else counts.pass++;
    }
    if (failed && data.details?.error?.failureType !== 'subtestsFailed') {
      const { error } = data.details;
      const cause = error?.cause ?? error;
      yield `  FAILED   ${file}: ${data.name}\n${indent(whole(cause))}\n`;
    }
    if (data.nesting === 0 && !skipped) {
      const sum = files.get(file) ?? 0;
      files.set(file, sum + (data.details?.duration_ms ?? 0));
      yield `  ${failed ? 'failed' : 'passed'}   ${file}: ${data.name} (${((data.details?.duration_ms ?? 0) / 1000).toFixed(1)} s)\n`;
    }
  }
  for (const [name, count] of Object.entries(counts)) yield `ℹ ${name} ${count}\n`;
  yield `ℹ duration_ms ${Date.now() - began}\n`;
}

/** An error and what it came from. */
function whole(error) {
  const own = error?.stack ?? String(error);
  return error?.cause instanceof Error ? `${own}\ncaused by ${whole(error.cause)}` : own;
}

function indent(text) {
  return text
    .split('\n')
    .slice(0, 200)
    .map((line) => `    ${line}`)
    .join('\n');
}
