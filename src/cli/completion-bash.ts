import { allCommands, type CommandNode, optionsOf } from './command-tree.ts';
import { pathsBelow, quoted, valuedOptions } from './completion-words.ts';

/** For bash 4 and newer, with or without the package bash-completion. */
export function bashCompletion(root: CommandNode): string {
  const words = allCommands(root).map((node) => {
    const options = optionsOf(root, node).map(({ long }) => long);
    const others = [...node.commands.map(({ name }) => name), ...(node.arguments[0]?.choices ?? [])];
    return `    ${quoted(node.path)}) words=${quoted(others.join(' '))} options=${quoted(options.join(' '))} ;;`;
  });
  return `# bash completion for ${root.name}; made by: ${root.name} completion bash
_${root.name}() {
  local current="\${COMP_WORDS[COMP_CWORD]}" path=${root.name} value='' word index
  local words='' options=''
  for ((index = 1; index < COMP_CWORD; index++)); do
    word="\${COMP_WORDS[index]}"
    # bash takes "--config=file" for three words.
    [[ $word == '=' ]] && continue
    if [[ -n $value ]]; then
      value=''
      continue
    fi
    case "$path $word" in
      ${pathsBelow(root).map(quoted).join(' | ')}) path+=" $word" ;;
      ${caseOf(valuedOptions(root, 'file'))}) value=file ;;
      ${caseOf(valuedOptions(root, 'word'))}) value=word ;;
    esac
  done
  [[ $current == '=' ]] && current=''
  COMPREPLY=()
  if [[ $value == file ]]; then
    compopt -o filenames 2>/dev/null
    mapfile -t COMPREPLY < <(compgen -f -- "$current")
    return
  fi
  [[ $value == word ]] && return
  case "$path" in
${words.join('\n')}
  esac
  # Options are many: they are shown where nothing else is to be had, or where one is begun.
  [[ $current == -* || -z $words ]] && words=$options
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
}
complete -F _${root.name} ${root.name}
`;
}

function caseOf(words: readonly string[]): string {
  return words.map(quoted).join(' | ') || "''";
}
