/**
 * Makes the template from which the tests' pods are cloned, once for all of them: scripts/test runs it first.
 *
 *     node test/support/test-template.ts
 */
import { execFileSync } from 'node:child_process';
import { renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { TestHyperd, testTemplates } from './hyperd.ts';

rmSync(testTemplates, { recursive: true, force: true });
await using hyperd = await TestHyperd.start({ templates: {} });
await hyperd.client.templateCreate({});
const draft = `${testTemplates}.new`;
rmSync(draft, { recursive: true, force: true });
execFileSync('cp', ['--archive', '--sparse=always', join(hyperd.root, 'templates'), draft]);
renameSync(draft, testTemplates);
