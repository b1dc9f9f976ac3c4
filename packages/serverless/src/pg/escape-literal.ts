/** `'it''s'`, with `E''` where there are backslashes. */
export function escapeLiteral(text: string): string {
  const escaped = String(text ?? '').replace(/['\\]/g, '$&$&');
  return escaped.includes('\\') ? ` E'${escaped}'` : `'${escaped}'`;
}
