import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import type { TestServer } from './scripted-registry.ts';
import type { TinyImage } from './tiny-image.ts';
import { writeOciLayout } from './tiny-image.ts';

const run = promisify(execFile);

export interface DockerRegistryOptions {
  readonly login?: { readonly username: string; readonly password: string };
  /** PEM files. */
  readonly tls?: { readonly certificate: string; readonly key: string };
  /** The network namespace whose loopback it listens on. */
  readonly namespace?: string;
}

export interface DockerRegistry extends TestServer {
  /** Puts an image in, with skopeo: `a/b:tag`. */
  push(name: string, image: TinyImage): Promise<void>;
}

async function writeConfig(folder: string, { login, tls }: DockerRegistryOptions): Promise<string> {
  const config: Record<string, unknown> = {
    version: '0.1',
    log: { level: 'info', formatter: 'json' },
    storage: { filesystem: { rootdirectory: join(folder, 'data') } },
    http: { addr: '127.0.0.1:0', ...(tls === undefined ? {} : { tls }) },
  };
  if (login !== undefined) {
    const path = join(folder, 'htpasswd');
    const { stdout } = await run('htpasswd', ['-Bbn', login.username, login.password]);
    await writeFile(path, stdout);
    config['auth'] = { htpasswd: { realm: 'test', path } };
  }
  const path = join(folder, 'config.yml');
  // JSON is YAML.
  await writeFile(path, JSON.stringify(config));
  return path;
}

/** Debian's docker-registry on a free port of loopback; its files and its process end with its scope. */
export async function startDockerRegistry(options: DockerRegistryOptions = {}): Promise<DockerRegistry> {
  const folder = await mkdtemp(join(tmpdir(), 'hyper-registry-'));
  const { namespace } = options;
  const [program, before] = namespace === undefined ? ['env', []] : ['ip', ['netns', 'exec', namespace]];
  const child = spawn(program, [...before, 'docker-registry', 'serve', await writeConfig(folder, options)], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const ended = once(child, 'exit');
  const dispose = async (): Promise<void> => {
    child.kill();
    await ended;
    await rm(folder, { recursive: true, force: true });
  };
  const said: string[] = [];
  for await (const line of createInterface(child.stderr)) {
    said.push(line);
    const host = /listening on (127\.0\.0\.1:\d+)/.exec(line)?.[1];
    if (host === undefined) continue;
    // Unread output would stop it.
    child.stderr.resume();
    const push = async (name: string, image: TinyImage): Promise<void> => {
      const layout = await mkdtemp(join(folder, 'layout-'));
      await writeOciLayout(layout, { pushed: image });
      const login =
        options.login === undefined ? [] : [`--dest-creds=${options.login.username}:${options.login.password}`];
      const copy = ['skopeo', '--insecure-policy', 'copy', '--dest-tls-verify=false', ...login];
      await run(program, [...before, ...copy, `oci:${layout}:pushed`, `docker://${host}/${name}`]);
    };
    return { host, push, [Symbol.asyncDispose]: dispose };
  }
  await dispose();
  throw new Error(`docker-registry does not start:\n${said.join('\n')}`);
}
