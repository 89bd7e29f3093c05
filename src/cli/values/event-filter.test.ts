import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Event } from '../../contract/index.ts';
import { formatEvent } from '../output/event-line.ts';
import { UsageError } from '../usage-error.ts';
import { parseEventFilters } from './event-filter.ts';

const event: Event = {
  sequence: 7,
  time: '2026-01-02T03:04:05.678Z',
  type: 'container',
  action: 'die',
  id: 'f00d',
  name: 'web',
  podId: 'pod-a',
  attributes: { exitCode: '3', reason: 'two\nlines' },
};

test('an event has to fit each kind of filter, and any of a kind', () => {
  const fits = (...filters: string[]): boolean => parseEventFilters(filters)(event);
  assert.ok(fits());
  assert.ok(fits('type=container', 'event=start', 'event=die', 'container=web', 'pod=pod-a'));
  assert.ok(fits('container=f0'));
  const health = { ...event, action: 'health_status', attributes: { health: 'unhealthy' } };
  assert.ok(parseEventFilters(['event=health_status', 'health=unhealthy'])(health));
  assert.ok(!parseEventFilters(['health=healthy'])(health));
  assert.ok(!fits('health=unhealthy'));
  assert.ok(!fits('type=pod'));
  assert.ok(!fits('event=start'));
  assert.ok(!fits('pod=web'));
  assert.ok(!fits('container=we'));
});

test('an image is meant by any way to write its name, by its id, and by what was made from it', () => {
  const image = { ...event, type: 'image', action: 'pull', id: 'sha256:ab', name: 'docker.io/library/busybox:latest' };
  const made = { ...event, action: 'create', attributes: { image: 'busybox' } };
  for (const text of ['busybox', 'busybox:latest', 'docker.io/library/busybox', 'sha256:a']) {
    assert.ok(parseEventFilters([`image=${text}`])(image as Event), text);
  }
  assert.ok(parseEventFilters(['image=busybox:latest'])(made));
  for (const text of ['busy', 'busybox:1', 'sha256:b']) {
    assert.ok(!parseEventFilters([`image=${text}`])(image as Event), text);
    assert.ok(!parseEventFilters([`image=${text}`])(made), text);
  }
  assert.ok(!parseEventFilters(['image=busybox'])(event));
});

test('other filters are refused with those that there are', () => {
  for (const text of ['', 'type', 'type=', 'name=web']) {
    assert.throws(
      () => parseEventFilters([text]),
      (error) => error instanceof UsageError && /of type, event/.test(error.message),
    );
  }
});

test('an event is a line, JSON or what a template says', () => {
  const line = '2026-01-02T03:04:05.678Z container die f00d (name=web, pod=pod-a, exitCode=3, reason=two lines)';
  assert.equal(formatEvent(event, undefined), line);
  assert.deepEqual(JSON.parse(formatEvent(event, 'json')), event);
  assert.equal(formatEvent(event, '{{.Action}} {{.Name}}'), 'die web');
});
