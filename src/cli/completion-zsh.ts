import { allCommands, type CommandNode, optionsOf } from './command-tree.ts';
import { pathsBelow, quoted, valuedOptions } from './completion-words.ts';

/** For zsh 5: sourced after compinit, or as a file _yaim in a directory of fpath. */
export function zshCompletion(root: CommandNode): string {
  const { name } = root;
  const described = (word: string, text: string): string => quoted(`${word.replaceAll(':', '\\:')}:${text}`);
  const words = allCommands(root).map((node) => {
    const options = optionsOf(root, node).map(({ long, description }) => described(long, description));
    const others = [
      ...node.commands.map((inner) => described(inner.name, inner.summary)),
      ...(node.arguments[0]?.choices ?? []).map((choice) => described(choice, '')),
    ];
    return `    ${quoted(node.path)})\n      words_=(${others.join(' ')})\n      options_=(${options.join(' ')})\n      ;;`;
  });
  return `#compdef ${name}
# zsh completion for ${name}; made by: ${name} completion zsh
_${name}() {
  local path_=${name} value_='' word_ index_
  local -a words_ options_
  for ((index_ = 2; index_ < CURRENT; index_++)); do
    word_=\${words[index_]}
    if [[ -n $value_ ]]; then
      value_=''
      continue
    fi
    case "$path_ $word_" in
      ${pathsBelow(root).map(quoted).join(' | ')}) path_+=" $word_" ;;
      ${caseOf(valuedOptions(root, 'file'))}) value_=file ;;
      ${caseOf(valuedOptions(root, 'word'))}) value_=word ;;
    esac
  done
  if [[ $value_ == file ]]; then
    _files
    return
  fi
  [[ $value_ == word ]] && return 1
  case "$path_" in
${words.join('\n')}
  esac
  # Options are many: they are shown where nothing else is to be had, or where one is begun.
  if [[ \${words[CURRENT]} == -* || \${#words_} -eq 0 ]]; then
    _describe -o option options_
  else
    _describe command words_
  fi
}
if [[ \${funcstack[1]} == _${name} ]]; then
  _${name} "$@"
else
  compdef _${name} ${name}
fi
`;
}

function caseOf(words: readonly string[]): string {
  return words.map(quoted).join(' | ') || "''";
}
