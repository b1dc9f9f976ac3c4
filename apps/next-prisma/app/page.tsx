import type { ReactNode } from 'react';
import { longestMessage, longestName, readGuestBook } from '../guest-book.ts';
import { remove, sign } from './actions.ts';

/** By what the actions write into the address. */
const problems = new Map([
  ['incomplete', `Please give a name of up to ${longestName} and a message of up to ${longestMessage} characters.`],
  ['gone', 'That entry was removed already.'],
]);

interface Query {
  readonly problem?: string | string[];
}

export default async function GuestBook({ searchParams }: { searchParams: Promise<Query> }): Promise<ReactNode> {
  const problem = problems.get(String((await searchParams).problem));
  const { entries, written, removed } = await readGuestBook();
  return (
    <main>
      <h1>Guest book</h1>
      {problem && <p role="alert">{problem}</p>}

      <form action={sign}>
        <label htmlFor="name">Your name</label>
        <input id="name" name="name" autoComplete="name" maxLength={longestName} required />
        <label htmlFor="message">Your message</label>
        <textarea id="message" name="message" rows={3} maxLength={longestMessage} required />
        <button type="submit">Sign</button>
      </form>

      <p>
        {written} {written === 1 ? 'entry' : 'entries'}, {removed} removed
      </p>
      <ol>
        {entries.map(({ id, name, message, writtenAt }) => (
          <li key={id}>
            <h2>{name}</h2>
            <time dateTime={writtenAt.toISOString()}>{writtenAt.toISOString().slice(0, 16).replace('T', ' ')} UTC</time>
            <p>{message}</p>
            <form action={remove}>
              <input type="hidden" name="id" value={id} />
              <button type="submit" aria-label={`Remove the entry of ${name}`}>
                Remove
              </button>
            </form>
          </li>
        ))}
      </ol>
    </main>
  );
}
