/**
 * Ends this process with an exit code, and does not return; nothing that waits to be written is waited for, and no 'exit'
 * event is told. `process.exit` joins V8's threads first: one that compiles and needs a garbage collection waits for this
 * thread, which waits for it, for ever (nodejs/node#54918; 3 of 100 exits of a process that has just worked hard). So the
 * process becomes another program that ends: its pid stays, and its threads are gone.
 */
export function leaveProcess(code: number): never {
  process.execve?.('/bin/sh', ['sh', '-c', `exit ${code}`], {}); // ends in `abort` where it fails
  process.exit(code);
}
