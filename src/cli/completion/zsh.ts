import { listCommands, type CommandWords } from './command-words.ts';

const quote = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

/** A completion script for zsh (zshcompsys(1)). */
export function zshCompletion(commands: readonly CommandWords[]): string {
  const described = commands.flatMap((command) =>
    command.names.map((name) => `    ${quote(`${name}:${command.summary.replaceAll(':', '\\:')}`)}`),
  );
  const cases = commands.map((command) => {
    const candidates =
      command.choices.length > 0
        ? `candidates=(${command.choices.map(quote).join(' ')})`
        : command.argument === 'none'
          ? 'candidates=()'
          : `candidates=(\${(f)"$(${listCommands[command.argument]})"})`;
    return `    ${command.names.join('|')})
      flags=(${command.flags.map(quote).join(' ')})
      valued=(${command.valueFlags.map(quote).join(' ')})
      [[ $PREFIX == -* ]] || ${candidates} ;;`;
  });
  return `#compdef hyper hyperctl
# zsh completion for hyper: hyper completion zsh > ~/.zfunc/_hyper
_hyper() {
  local -a described flags valued candidates
  described=(
${described.join('\n')}
  )
  local command=""
  local word
  for word in \${words[2,CURRENT-1]}; do
    [[ $word == -* ]] || { command=$word; break }
  done
  case $command in
    "") _describe -t commands 'hyper command' described; return ;;
${cases.join('\n')}
    *) return ;;
  esac
  if (( \${valued[(Ie)\${words[CURRENT-1]}]} )); then
    _files
  elif [[ $PREFIX == -* ]]; then
    compadd -- $flags
  else
    compadd -- $candidates
  fi
}
if [[ $funcstack[1] == _hyper ]]; then _hyper "$@"; else compdef _hyper hyper hyperctl; fi`;
}
