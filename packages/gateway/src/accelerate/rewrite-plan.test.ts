import { expect, test } from 'vitest';
import { rewritePlan } from './rewrite-plan.ts';

test('an old plan becomes a new one, however deep', () => {
  const plan = {
    type: 'dataMap',
    args: {
      expr: {
        type: 'validate',
        error_identifier: 'MISSING_RECORD',
        args: {
          type: 'join',
          args: {
            parent: {
              type: 'query',
              args: { fragments: [{ type: 'stringChunk', chunk: 'x' }, { type: 'parameterTuple' }] },
            },
            children: [{ child: { type: 'unit' } }],
          },
        },
      },
    },
  };
  const rewritten = {
    type: 'dataMap',
    args: {
      expr: {
        type: 'validate',
        errorIdentifier: 'MISSING_RECORD',
        args: {
          type: 'join',
          args: {
            parent: {
              type: 'query',
              args: {
                fragments: [
                  { type: 'stringChunk', chunk: 'x' },
                  { type: 'parameterTuple', itemPrefix: '', itemSeparator: ',', itemSuffix: '' },
                ],
              },
            },
            children: [{ child: { type: 'unit' } }],
            canAssumeStrictEquality: true,
          },
        },
      },
    },
  };
  rewritePlan(plan);
  expect(plan).toEqual(rewritten);
  rewritePlan(plan);
  expect(plan).toEqual(rewritten);
});

test('what a new plan says is left as it is', () => {
  const plan = [
    { type: 'parameterTuple', itemPrefix: '(', itemSeparator: ';', itemSuffix: ')' },
    { type: 'join', args: { canAssumeStrictEquality: false } },
  ];
  const copy = structuredClone(plan);
  rewritePlan(plan);
  expect(plan).toEqual(copy);
});

test('a plan that is deeper than any stack is walked all the same', () => {
  let plan: unknown = { type: 'parameterTuple' };
  for (let depth = 0; depth < 100_000; depth++) plan = [plan];
  expect(() => rewritePlan(plan)).not.toThrow();
});
