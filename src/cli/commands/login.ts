import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';
import { text as textOf } from 'node:stream/consumers';
import { type Command, Option } from 'commander';
import { keepCredentials } from '../../lib/keep-credentials.ts';
import type { Cli } from '../cli.ts';
import { addExamples } from '../examples.ts';
import { registryServer } from '../registry-server.ts';
import { UsageError } from '../usage-error.ts';
import { warn } from '../warn.ts';
import { stderr } from '../standard-streams.ts';

interface LoginOptions {
  readonly username?: string;
  readonly password?: string;
  readonly passwordStdin?: boolean;
  readonly email?: string;
}

export function define(command: Command, cli: Cli): void {
  command
    .argument('[server]', "a registry's host, with its port (default: docker.io)")
    .option('-u, --username <name>', 'the name (default: it is asked for)')
    .option('-p, --password <password>', 'the password, or a token; others can see it in the list of processes')
    .option('--password-stdin', 'read the password from stdin')
    .addOption(new Option('-e, --email <address>', 'ignored: registries ask for none any more').hideHelp())
    .action(async (text: string | undefined, options: LoginOptions) => {
      const server = registryServer(text);
      if (options.email !== undefined) warn('--email is ignored: registries ask for no address any more');
      const { username, password } = await loginOf(options);
      const { identityToken } = await (await cli.connect()).login({ server, username, password });
      const never = new AbortController().signal;
      const path = await keepCredentials(
        server,
        { username, password, identityToken },
        { environment: cli.env },
        never,
      );
      if (path !== undefined) warn(`the login lies unencrypted in ${path}: a credential helper would keep it better`);
      cli.print('Login Succeeded');
    });
  addExamples(command, [
    ['hyper login registry.example:5000', 'asks for name and password'],
    ['hyper login -u ann --password-stdin <token', 'at docker.io, for scripts'],
  ]);
}

async function loginOf(options: LoginOptions): Promise<{ readonly username: string; readonly password: string }> {
  const { username, password, passwordStdin = false } = options;
  if (passwordStdin && password !== undefined)
    throw new UsageError('--password and --password-stdin: give one of them');
  if (passwordStdin && username === undefined) throw new UsageError('--password-stdin needs the name: give --username');
  if (username === '') throw new UsageError('--username is empty: give a name');
  if (passwordStdin) {
    const read = (await textOf(process.stdin)).replace(/\r?\n$/, '');
    return checked(username ?? '', read);
  }
  if (password !== undefined) warn('others can see --password in the list of processes: use --password-stdin');
  if ((username === undefined || password === undefined) && !process.stdin.isTTY) {
    throw new UsageError('name and password are asked for in a terminal: give --username and --password-stdin');
  }
  const name = username ?? (await ask('Username: ', true));
  return checked(name, password ?? (await ask('Password: ', false)));
}

function checked(username: string, password: string): { readonly username: string; readonly password: string } {
  if (username === '') throw new UsageError('the name is empty: give one');
  if (password === '') throw new UsageError('the password is empty: give one');
  return { username, password };
}

/** A line of the terminal; `shown`: as it is typed. */
async function ask(question: string, shown: boolean): Promise<string> {
  stderr().write(question);
  const hidden = new Writable({ write: (_chunk, _encoding, done) => done() });
  const terminal = createInterface({ input: process.stdin, output: shown ? stderr() : hidden, terminal: true });
  try {
    const ended = new Promise<string>((resolve) => terminal.once('close', () => resolve('')));
    return (await Promise.race([terminal.question(''), ended])).trim();
  } finally {
    terminal.close();
    if (!shown) stderr().write('\n');
  }
}
