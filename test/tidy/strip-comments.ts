/** Code without comments; good enough for code whose strings contain comment marks only after a colon, as URLs do. */
export function stripComments(code: string): string {
  return code.replace(/\/\*[\s\S]*?\*\//g, '').replace(/(^|[^:'"`])\/\/.*$/gm, '$1');
}

/** The comments of TypeScript and JavaScript, or of Lua, YAML and shell, joined. */
export function readComments(path: string, text: string): string {
  if (/\.(ts|mjs|js)$/.test(path)) {
    return (text.match(/\/\*[\s\S]*?\*\/|(?<=^|[\s;{}(,])\/\/.*$/gm) ?? []).join('\n');
  }
  return (text.match(path.endsWith('.lua') ? /--.*$/gm : /(?<=^|\s)#.*$/gm) ?? []).join('\n');
}
