/**
 * What a code block in our Markdown says about itself behind its language, for the tests:
 * `runnable` is executed as it is, `with=NAME` gives it something that earlier text has introduced, `shown` is only shown.
 */
export function isFenceWord(word: string): boolean {
  return word === 'runnable' || word === 'server' || word === 'shown' || /^(with|shown|fails)=/.test(word);
}
