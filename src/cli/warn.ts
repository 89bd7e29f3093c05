import { stderr } from './standard-streams.ts';

/** Tells what does not keep a command from its work. */
export function warn(...messages: readonly string[]): void {
  for (const message of messages) stderr().write(`hyper: warning: ${message}\n`);
}
