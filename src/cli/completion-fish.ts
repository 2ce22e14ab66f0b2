import { allCommands, type CommandNode, optionsOf } from './command-tree.ts';
import { pathsBelow, valuedOptions } from './completion-words.ts';

/** For fish 3. */
export function fishCompletion(root: CommandNode): string {
  const { name } = root;
  const lines = allCommands(root).flatMap((node) => {
    const at = `complete -c ${name} -n ${quoted(`test (__${name}_path) = ${quoted(node.path)}`)}`;
    const words = [
      ...node.commands.map((inner) => `${at} -a ${inner.name} -d ${quoted(inner.summary)}`),
      ...(node.arguments[0]?.choices ?? []).map((choice) => `${at} -a ${choice}`),
    ];
    const options = optionsOf(root, node).map(({ long, description, value }) => {
      const taken = value === null ? '' : value === 'file' ? ' -r -F' : ' -x';
      return `${at} -l ${long.replace(/^--/, '')}${taken} -d ${quoted(description)}`;
    });
    return [...words, ...options];
  });
  const valued = [...valuedOptions(root, 'file'), ...valuedOptions(root, 'word')];
  return `# fish completion for ${name}; made by: ${name} completion fish
function __${name}_path
    set -l path ${name}
    set -l is_value no
    for word in (commandline -opc)[2..-1]
        if test $is_value = yes
            set is_value no
            continue
        end
        switch "$path $word"
            case ${pathsBelow(root).map(quoted).join(' ')}
                set path "$path $word"
            case ${valued.map(quoted).join(' ')}
                set is_value yes
        end
    end
    echo $path
end
complete -c ${name} -f
${lines.join('\n')}
`;
}

/** In fish's single quotes a backslash quotes itself and the quote. */
function quoted(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}
