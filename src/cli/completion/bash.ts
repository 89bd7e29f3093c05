import { listCommands, type CommandWords } from './command-words.ts';

/** A completion script for bash 4 and later (bash(1), Programmable Completion). */
export function bashCompletion(commands: readonly CommandWords[]): string {
  const cases = commands.map((command) => {
    const candidates =
      command.choices.length > 0
        ? `"${command.choices.join(' ')}"`
        : command.argument === 'none'
          ? '""'
          : `"$(${listCommands[command.argument]})"`;
    return `    ${command.names.join('|')})
      flags="${command.flags.join(' ')}"
      valued=" ${command.valueFlags.join(' ')} "
      [[ $cur == -* ]] || candidates=${candidates} ;;`;
  });
  return `# bash completion for hyper: source <(hyper completion bash)
_hyper() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD-1]} command="" word flags="" valued="" candidates=""
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    [[ $word == -* ]] || { command=$word; break; }
  done
  case $command in
    "") COMPREPLY=($(compgen -W "${commands.flatMap((command) => command.names).join(' ')} help --host --version --help" -- "$cur")); return ;;
${cases.join('\n')}
    *) return ;;
  esac
  if [[ $valued == *" $prev "* ]]; then
    COMPREPLY=($(compgen -f -- "$cur")); return
  fi
  # A colon splits words for readline: image tags are completed without their first part.
  local colon_prefix=""
  if declare -F _get_comp_words_by_ref >/dev/null; then
    _get_comp_words_by_ref -n : cur
    [[ $cur == *:* ]] && colon_prefix=\${cur%"\${cur##*:}"}
  fi
  COMPREPLY=($(compgen -W "$candidates $([[ $cur == -* ]] && echo "$flags")" -- "$cur"))
  COMPREPLY=("\${COMPREPLY[@]#"$colon_prefix"}")
}
complete -F _hyper hyper hyperctl`;
}
