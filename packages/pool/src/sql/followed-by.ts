/**
 * Whether a match of `first` is followed by one of `then` in the same statement, as far as semicolons tell. For texts of any
 * size: one pattern with `[^;]*` in between would read the rest of the text once for each match of its beginning.
 */
export function isFollowedBy(sql: string, first: RegExp, then: RegExp): boolean {
  return sql.split(';').some((part) => {
    const at = part.search(first);
    return at >= 0 && then.test(part.slice(at));
  });
}
