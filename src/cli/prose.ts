/**
 * Text as it is written in the source, for help that is wrapped to the terminal: lines follow each other as one
 * paragraph, unless they are empty or begin with two spaces, as examples do.
 */
export function prose(text: string): string {
  return text.replace(/(?<=\S)\n(?=\S)/g, (_, offset: number) => {
    const line = text.slice(text.lastIndexOf('\n', offset - 1) + 1, offset);
    return line.startsWith('  ') ? '\n' : ' ';
  });
}
