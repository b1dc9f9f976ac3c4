// `npm run tables`: makes the one table, over HTTP like everything else.
import { postern } from '@postern/serverless/http';

const sql = postern(process.env.DATABASE_URL);
await sql`
  CREATE TABLE IF NOT EXISTS vote (
    id       int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    choice   text NOT NULL CHECK (choice IN ('coffee', 'tea')),
    voted_at timestamptz NOT NULL DEFAULT now()
  )`;
console.log('The table is there.');
