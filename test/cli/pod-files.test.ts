import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { promisify } from 'node:util';
import { cliBuilds } from './cli-builds.ts';
import { FakeHyperd } from './fake-hyperd.ts';
import { type CliResult, runCli } from './run-cli.ts';

/** The fake daemon's pod files are in the API's own shape: what is tested is what the CLI makes of them. */
const pod = { name: 'web', containers: [{ image: 'busybox', command: ['exit', '7'] }] };

for (const build of cliBuilds) {
  describe(`a pod file, ${build.name}`, { timeout: 60_000 }, () => {
    const hyper = (fake: FakeHyperd, args: readonly string[], input = ''): Promise<CliResult> =>
      runCli(build, args, { HYPER_HOST: `unix://${fake.socket}` }, input);
    const saved = async (fake: FakeHyperd, content: unknown): Promise<string> => {
      const file = join(fake.folder, 'pod.json');
      await writeFile(file, typeof content === 'string' ? content : JSON.stringify(content));
      return file;
    };
    const said = ({ code, stdout, stderr }: CliResult): readonly [number | null, string, string] => [
      code,
      stdout.toString(),
      stderr,
    ];

    it('is run in the background, in the first Hyper’s words; with -d the id alone is printed', async () => {
      await using fake = await FakeHyperd.start();
      const file = await saved(fake, pod);
      const [code, stdout, stderr] = said(await hyper(fake, ['run', '-p', file]));
      assert.deepEqual([code, stdout], [0, 'POD id is pod-abcdefghiA\n']);
      assert.match(stderr, /^Time to run a POD is \d+ ms\n$/);
      assert.deepEqual(said(await hyper(fake, ['run', '-d', '--podfile', file])), [0, 'pod-abcdefghiB\n', '']);
      assert.equal(fake.requests.at(-1), 'POST /v1/pods/pod-abcdefghiB/start');
    });

    it('is printed whole, larger than a pipe, to a reader that is slow', async () => {
      await using fake = await FakeHyperd.start();
      const envs = Array.from({ length: 1000 }, (_, at) => ({ env: `V${at}`, value: 'x'.repeat(300) }));
      const file = await saved(fake, { containers: [{ image: 'busybox', command: ['true'], envs }] });
      const slow = '"$@" | { dd bs=1 count=100000 2>/dev/null; cat; }';
      const args = [...build.command, 'pod', 'check', '--spec', file];
      const env = { ...process.env, HYPER_HOST: `unix://${fake.socket}` };
      const options = { env, maxBuffer: 1 << 20 };
      const { stdout: printed } = await promisify(execFile)('sh', ['-c', slow, 'sh', ...args], options);
      assert.ok(printed.length > 300_000 && printed.endsWith('}\n'), `${printed.length} characters`);
    });

    it('is run in the foreground by -a, with its exit code', async () => {
      await using fake = await FakeHyperd.start();
      const run = await hyper(fake, ['run', '-a', '--rm', '--name', 'other', '-p', await saved(fake, pod)]);
      assert.deepEqual(said(run), [7, '', 'POD id is pod-abcdefghiA\n']);
      assert.deepEqual(fake.bodies.at(-1), {
        name: 'other',
        autoRemove: true,
        containers: [{ image: 'busybox', command: ['exit', '7'], tty: false, stdin: false }],
      });
    });

    it('comes from stdin as well, and is created alone by create, in all of its forms', async () => {
      await using fake = await FakeHyperd.start();
      const text = JSON.stringify(pod);
      const file = await saved(fake, pod);
      for (const args of [['-p', '-'], ['-'], ['-y', '-'], ['-k', '-'], ['-p', file], [file]]) {
        const { code, stdout, stderr } = await hyper(fake, ['create', ...args], text);
        assert.match(`${code} ${stdout.toString()}${stderr}`, /^0 pod-abcdefghi[A-F]\n$/);
      }
      const asked = fake.bodies.flatMap((body) =>
        typeof body === 'object' && body !== null && 'text' in body ? [body] : [],
      );
      assert.deepEqual(asked[0], { text });
      assert.deepEqual(asked.slice(2, 4), [
        { text, format: 'yaml' },
        { text, format: 'kubernetes' },
      ]);
      assert.ok(fake.requests.every((request) => !request.includes('start')));
    });

    it('has the images of all its containers pulled, each once', async () => {
      await using fake = await FakeHyperd.start();
      const images = ['one', 'busybox', 'two', 'one'];
      const file = await saved(fake, { containers: images.map((image) => ({ image })) });
      const run = await hyper(fake, ['run', '-d', '-p', file]);
      assert.equal(run.code, 0, run.stderr);
      assert.deepEqual(fake.pulled, ['one', 'two']);
      assert.match(run.stderr, /^Unable to find image 'one' locally\n[^]*Unable to find image 'two' locally\n/);
      assert.equal((await hyper(fake, ['create', '--pull', 'always', '-p', file])).code, 0);
      assert.deepEqual(fake.pulled.slice(2), ['one', 'busybox', 'two']);
      fake.images.clear();
      const never = await hyper(fake, ['run', '--pull', 'never', '-p', file]);
      assert.deepEqual(said(never), [125, '', 'hyper: no such image: one\n']);
    });

    it('that is wrong is named with what is wrong', async () => {
      await using fake = await FakeHyperd.start();
      const file = await saved(fake, 'wrong: containers is missing');
      assert.deepEqual(said(await hyper(fake, ['run', '-p', file])), [
        125,
        '',
        `hyper: ${file}: wrong: containers is missing\n`,
      ]);
      assert.deepEqual(said(await hyper(fake, ['pod', 'check', file])), [
        1,
        '',
        `hyper: ${file}: wrong: containers is missing\n`,
      ]);
      const [code, , stderr] = said(await hyper(fake, ['create', '-p', `${file}.not`]));
      assert.equal(code, 2);
      assert.match(stderr, /^hyper: cannot read the pod file .*pod\.json\.not: ENOENT/);
      assert.deepEqual([...fake.pods.keys()], []);
    });

    it('is checked without running it, and has a schema', async () => {
      await using fake = await FakeHyperd.start();
      const file = await saved(fake, pod);
      assert.deepEqual(said(await hyper(fake, ['pod', 'check', file])), [0, `${file}: a pod of busybox\n`, '']);
      const spec = await hyper(fake, ['pod', 'check', '--spec', '-'], JSON.stringify(pod));
      assert.deepEqual(JSON.parse(spec.stdout.toString()), pod);
      assert.deepEqual(said(await hyper(fake, ['pod', 'schema'])), [0, '{"title":"a schema"}\n', '']);
      assert.deepEqual([...fake.pods.keys()], []);
    });
  });
}
