/** Tells what does not keep a command from its work. */
export function warn(message: string): void {
  process.stderr.write(`hyper: warning: ${message}\n`);
}
