import { spawn } from 'node:child_process';
import { throwIfCancelled } from './cancellation.ts';
import { HyperError, messageOf, systemCode } from './errors.ts';
import type { Credentials } from './credentials.ts';
import { tryParseJson } from './try-parse-json.ts';

const longestMs = 30_000;
const largestAnswer = 65_536;

interface Outcome {
  readonly exitCode: number | null;
  readonly stdout: string;
}

async function runHelper(
  program: string,
  action: 'get' | 'store' | 'erase',
  input: string,
  env: NodeJS.ProcessEnv,
  signal: AbortSignal,
): Promise<Outcome> {
  const child = spawn(program, [action], {
    env,
    stdio: ['pipe', 'pipe', 'ignore'],
    signal: AbortSignal.any([signal, AbortSignal.timeout(longestMs)]),
  });
  const closed = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  closed.catch(() => undefined); // heard below
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
  const { Username: username, Secret: secret } = Object(tryParseJson(stdout)) as Readonly<Record<string, unknown>>;
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
  const { outcome, program } = await call(name, 'get', server, environment, signal);
  if (outcome.exitCode === 0) return parseAnswer(name, outcome.stdout);
  if (isUnknown(outcome)) return undefined;
  throw failed(program, server, outcome);
}

/** Has `docker-credential-NAME` keep a server's login, in place of the one that it has. @throws HyperError as `askCredentialHelper` */
export async function tellCredentialHelper(
  name: string,
  server: string,
  login: { readonly username: string; readonly secret: string },
  environment: Readonly<Record<string, string | undefined>>,
  signal: AbortSignal,
): Promise<void> {
  const input = JSON.stringify({ ServerURL: server, Username: login.username, Secret: login.secret });
  const { outcome, program } = await call(name, 'store', input, environment, signal);
  if (outcome.exitCode !== 0) throw failed(program, server, outcome);
}

/** Has `docker-credential-NAME` forget a server's login; one that it does not know is fine. */
export async function eraseFromCredentialHelper(
  name: string,
  server: string,
  environment: Readonly<Record<string, string | undefined>>,
  signal: AbortSignal,
): Promise<void> {
  const { outcome, program } = await call(name, 'erase', server, environment, signal);
  if (outcome.exitCode !== 0 && !isUnknown(outcome)) throw failed(program, server, outcome);
}

async function call(
  name: string,
  action: 'get' | 'store' | 'erase',
  input: string,
  environment: Readonly<Record<string, string | undefined>>,
  signal: AbortSignal,
): Promise<{ readonly outcome: Outcome; readonly program: string }> {
  if (!/^[\w.-]+$/.test(name)) {
    throw new HyperError('bad_request', `docker's config.json names a strange credential helper: '${name}'`);
  }
  const program = `docker-credential-${name}`;
  try {
    return { outcome: await runHelper(program, action, input, { ...environment }, signal), program };
  } catch (error) {
    throwIfCancelled(signal);
    if (systemCode(error) === 'ENOENT') {
      const text = `${program} is not in the PATH, but docker's config.json asks for it: install it, or remove it there`;
      throw new HyperError('missing_dependency', text, { cause: error });
    }
    throw new HyperError('unavailable', `${program} failed: ${messageOf(error)}`, { cause: error });
  }
}

const isUnknown = ({ stdout }: Outcome): boolean => /credentials not found/i.test(stdout);

function failed(program: string, server: string, { stdout }: Outcome): HyperError {
  const said = stdout.trim().split('\n')[0] ?? '';
  return new HyperError('unavailable', `${program} failed for ${server}: ${said}`);
}
