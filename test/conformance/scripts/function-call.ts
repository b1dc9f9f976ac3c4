/** FunctionCall, which most poolers forgot (§2.1). */
import { closeStatement, extended, functionCall, message, parse, query, sync } from '../harness/frontend-message.ts';
import type { Script } from '../harness/script.ts';

/** Built-in functions by oid: `int4pl`, `int4div`, `upper(text)`. */
const INT4PL = 177;
const INT4DIV = 154;
const UPPER = 871;

export const functionCallScripts: readonly Script[] = [
  {
    name: 'function-call',
    section: '2.1',
    async run({ open }) {
      const a = await open('A');
      await a.send(functionCall(INT4PL, ['40', '2']), functionCall(UPPER, ['loud']), functionCall(UPPER, [null]));
      await a.ready(3);
      await a.send(functionCall(INT4DIV, ['1', '0']), functionCall(999999, []), functionCall(INT4PL, ['1']));
      await a.ready(3);
      await a.send(message('F', new Uint8Array(3)));
      await a.ready();
      await a.query('SELECT 1');
    },
  },
  {
    name: 'function-call-behind-a-local-answer',
    section: '2.1',
    async run({ open }) {
      const a = await open('A');
      await a.segment(parse('s1', 'SELECT 1'));
      await a.send(extended('DEALLOCATE ALL'), sync(), functionCall(INT4PL, ['1', '2']));
      await a.ready(2);
      await a.send(query('DEALLOCATE ALL'), functionCall(INT4PL, ['3', '4']), closeStatement('s1'), sync());
      await a.ready(3);
    },
  },
  {
    name: 'function-call-in-transactions-and-pipelines',
    section: '2.1',
    async run({ open }) {
      const a = await open('A');
      await a.query('BEGIN');
      await a.send(
        functionCall(INT4PL, ['1', '2']),
        functionCall(INT4DIV, ['1', '0']),
        functionCall(INT4PL, ['1', '2']),
      );
      await a.ready(3);
      await a.query('ROLLBACK');
      await a.send(
        extended('SELECT 1'),
        functionCall(INT4PL, ['1', '2']),
        extended('SELECT 2'),
        sync(),
        query('SELECT 3'),
      );
      await a.ready(3);
    },
  },
];
