import type { Command } from 'commander';
import type { Cli } from './cli.ts';
import { buildProgram } from './program.ts';

// node src/cli/docs.ts > docs/cli.md

/** The command tree as a page; made from what `--help` prints, so it cannot say anything else. */
function describeCommand(command: Command): string {
  let help = '';
  command.configureOutput({
    writeOut: (text) => {
      help += text;
    },
    getOutHelpWidth: () => 100,
  });
  command.outputHelp();
  const title = pathOf(command);
  return `## ${title}\n\n\`\`\`text\n${help.trimEnd()}\n\`\`\`\n`;
}

/** `hyper template ls` */
function pathOf(command: Command): string {
  return command.parent === null ? 'hyper' : `${pathOf(command.parent)} ${command.name()}`;
}

const notConnected: Cli = {
  env: {},
  exitCode: 0,
  connect: () => Promise.reject(new Error('the documentation asks no daemon')),
  print: () => undefined,
  note: () => undefined,
};

const program = await buildProgram(notConnected, { everything: true });
process.stdout.write(`# The command line

Made from the program itself by \`node src/cli/docs.ts > docs/cli.md\`: change it there.

## What goes for all commands

**The daemon** is found by \`--host\` or \`HYPER_HOST\` (\`unix:///path/of/hyper.sock\`), else at your own socket
(\`$XDG_RUNTIME_DIR/hyper/hyper.sock\`, without it \`/tmp/hyper-UID/hyper.sock\`; root's is \`/run/hyper/hyper.sock\`), else at the system's.
Where none answers your own is started; \`HYPER_AUTOSTART=0\` turns this off.

**Streams.** \`run\` and \`exec\` are attached, in the foreground. The process gets a terminal when stdin and stdout both are one (or by \`-t\`;
\`--no-tty\`: never), and our stdin when that is a terminal (or by \`-i\`). A pipe or file on stdin is sent by \`-i\` only, in whole, and then closed: a
loop around \`hyper run\` must keep its own input. In a terminal all keys go to the process but the detach keys (ctrl-p ctrl-q), which leave it
running. Without one, signals that reach \`hyper\` are sent to it. When the reader of our stdout goes (\`| head\`) the process gets EPIPE, as in any pipe.

**Exit codes.** The process's own (128+N when signal N ended it). 125: it could not be started; 126: the command cannot be executed;
127: it was not found. 2: the command line is wrong. 1: anything else failed. Errors are one line on stderr: \`hyper: what went wrong: what to do\`.

**Formats.** \`--format\` takes \`table\`, \`json\` (an object a line for lists), a template of Go's text/template as docker's (fields, pipes, \`json\`, \`join\`,
\`upper\`, \`lower\`, \`len\`, \`index\`, \`if\`, \`range\`), or \`table TEMPLATE\` with columns parted by \`\\t\`.

${[program, ...program.commands.flatMap((command) => [command, ...command.commands])].map(describeCommand).join('\n')}`);
