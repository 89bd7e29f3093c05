import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Command } from 'commander';
import { addPodOptions } from '../pod-options.ts';
import { addPodFileOptions, chooseFile, type ChosenFile, type PodFileOptions } from './pod-file-options.ts';

/** What `hyper run …` or `hyper create …` takes for its pod file. */
function choose(line: string): ChosenFile | undefined {
  const [name = '', ...args] = line.split(' ');
  const command = new Command(name)
    .exitOverride()
    .configureOutput({ writeErr: () => undefined })
    .passThroughOptions();
  addPodFileOptions(addPodOptions(command)).option('-d, --detach').option('-a, --attach');
  command.parse(args, { from: 'user' });
  const [image, ...rest] = command.args;
  return chooseFile({ image, args: rest }, command.opts<PodFileOptions>(), command);
}

describe('a command line', () => {
  const files: readonly (readonly [line: string, path: string, format?: ChosenFile['format']])[] = [
    ['run -p pod.json', 'pod.json'],
    ['run -d --rm --name web -p dir/pod', 'dir/pod'],
    ['run -a -y -p pod', 'pod', 'yaml'],
    ['run --podfile -', '-'],
    ['run -p -', '-'],
    ['run -k manifest.yaml', 'manifest.yaml', 'kubernetes'],
    ['create -p pod.json', 'pod.json'],
    ['create -y pod', 'pod', 'yaml'],
    ['create ./pod', './pod'],
    ['create -', '-'],
    ['create package.json', 'package.json'],
  ];
  for (const [line, path, format] of files) {
    it(`names a pod file: hyper ${line}`, () => assert.deepEqual(choose(line), { path, format }));
  }

  for (const line of ['run busybox', 'run -p 8080:80 busybox', 'create nginx', 'create pod.json', 'run ./x']) {
    it(`names an image: hyper ${line}`, () => assert.equal(choose(line), undefined));
  }

  const wrong: readonly (readonly [line: string, message: string])[] = [
    ['run', "missing required argument 'image': see 'hyper run --help'"],
    ['run -p 8080:80', "missing required argument 'image': see 'hyper run --help'"],
    ['run -p 127.0.0.1:80:80/udp', "missing required argument 'image': see 'hyper run --help'"],
    ['run -y busybox', '-y is for pod files: give one by -p'],
    ['run -p a.json -k b.json', 'b.json and a.json are two files: give one'],
    ['run --podfile a.json busybox', 'a.json says what runs: leave out the image and its command'],
    ['create -y pod ls', 'pod says what runs: leave out the image and its command'],
    ['run -p a.json -m 512m', '--memory cannot stand beside a pod file: say it in a.json'],
    ['run -p a.json -p 80:80', '--publish cannot stand beside a pod file: say it in a.json'],
    ['run -p a.json -e A=b', '--env cannot stand beside a pod file: say it in a.json'],
  ];
  for (const [line, message] of wrong) {
    it(`is wrong: hyper ${line}`, () => assert.throws(() => choose(line), { name: 'UsageError', message }));
  }
});
