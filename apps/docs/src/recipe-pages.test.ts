import { expect, test } from 'vitest';
import { recipePage } from './recipe-pages.ts';

const source = `// Caching in the gateway: the same question does not reach Postgres.
//
// When: many ask for <what> rarely changes.
// Run:  npx tsx caching.ts   (with a key)
// \`ttl\`: seconds.
import { postern } from '@postern/serverless/http';

console.log(postern);

// Prints:
// first  [ 1 ]
// second [ 2 ]
`;

test('comments are text, the program is shown as it is', () => {
  expect(recipePage('recipes/caching.ts', source)).toBe(`---
aside: false
---

# Caching in the gateway

The same question does not reach Postgres.

**When** many ask for &#60;what&#62; rarely changes.

**Run** it with \`npx tsx caching.ts\` (with a key).

\`ttl\`: seconds.

\`recipes/caching.ts\`:

\`\`\`\`ts
import { postern } from '@postern/serverless/http';

console.log(postern);
\`\`\`\`

It prints

\`\`\`\`text
first  [ 1 ]
second [ 2 ]
\`\`\`\`
`);
});

test('a title that is one sentence is said once', () => {
  const page = recipePage('recipes/a.mjs', source.replace(/^.*\n/, '// The official driver, locally.\n'));
  expect(page).toMatch(/\n# The official driver, locally\n\n\*\*When\*\*/);
  expect(page).toContain('````js\n');
});
