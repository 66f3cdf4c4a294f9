/** The value of field `name` in a reply of the form name, value, name, value …; `undefined` if it is missing. */
export function replyField(reply: readonly unknown[], name: string): unknown {
  for (let at = 0; at < reply.length; at += 2) if (reply[at] === name) return reply[at + 1];
  return undefined;
}
