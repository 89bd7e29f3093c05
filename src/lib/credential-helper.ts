import { spawn } from 'node:child_process';
import { throwIfCancelled } from './cancellation.ts';
import { HyperError, messageOf, systemCode } from './errors.ts';
import type { Credentials } from './credentials.ts';

const longestMs = 30_000;
const largestAnswer = 65_536;

interface Outcome {
  readonly exitCode: number | null;
  readonly stdout: string;
}

async function runHelper(
  program: string,
  input: string,
  env: NodeJS.ProcessEnv,
  signal: AbortSignal,
): Promise<Outcome> {
  const child = spawn(program, ['get'], {
    env,
    stdio: ['pipe', 'pipe', 'ignore'],
    signal: AbortSignal.any([signal, AbortSignal.timeout(longestMs)]),
  });
  const closed = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  // A helper that ends without reading breaks the pipe; its exit code tells what matters.
  child.stdin.on('error', () => undefined);
  child.stdin.end(input);
  let stdout = '';
  child.stdout.setEncoding('utf8');
  child.stdout.on('data', (text: string) => {
    if (stdout.length < largestAnswer) stdout += text;
  });
  return { exitCode: await closed, stdout };
}

function parseAnswer(name: string, stdout: string): Credentials {
  let answer: unknown;
  try {
    answer = JSON.parse(stdout);
  } catch {
    answer = undefined;
  }
  const { Username: username, Secret: secret } = Object(answer) as Readonly<Record<string, unknown>>;
  if (typeof username !== 'string' || typeof secret !== 'string') {
    throw new HyperError('bad_request', `docker-credential-${name} gave no login: run it by hand`);
  }
  // docker-credential-helpers: the user name <token> marks an identity token.
  if (username === '<token>') return { kind: 'identityToken', token: secret };
  return { kind: 'password', username, password: secret };
}

/**
 * Asks `docker-credential-NAME get` for a server's login: the server goes to its stdin, JSON comes from its stdout.
 *
 * @returns undefined when the helper knows none
 * @throws HyperError `missing_dependency` without the helper, `unavailable` when it fails
 */
export async function askCredentialHelper(
  name: string,
  server: string,
  environment: Readonly<Record<string, string | undefined>>,
  signal: AbortSignal,
): Promise<Credentials | undefined> {
  if (!/^[\w.-]+$/.test(name)) {
    throw new HyperError('bad_request', `docker's config.json names a strange credential helper: '${name}'`);
  }
  const program = `docker-credential-${name}`;
  let outcome: Outcome;
  try {
    outcome = await runHelper(program, server, { ...environment }, signal);
  } catch (error) {
    throwIfCancelled(signal);
    if (systemCode(error) === 'ENOENT') {
      const text = `${program} is not in the PATH, but docker's config.json asks for it: install it, or remove it there`;
      throw new HyperError('missing_dependency', text, { cause: error });
    }
    throw new HyperError('unavailable', `${program} failed: ${messageOf(error)}`, { cause: error });
  }
  if (outcome.exitCode === 0) return parseAnswer(name, outcome.stdout);
  if (/credentials not found/i.test(outcome.stdout)) return undefined;
  const said = outcome.stdout.trim().split('\n')[0] ?? '';
  throw new HyperError('unavailable', `${program} failed for ${server}: ${said}`);
}
