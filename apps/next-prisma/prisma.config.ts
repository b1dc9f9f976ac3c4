import { defineConfig } from 'prisma/config';

export default defineConfig({
  schema: 'prisma/schema.prisma',
  // Only for the commands that connect, `prisma migrate` above all; `prisma generate` needs no database.
  datasource: { url: process.env.DATABASE_URL ?? '' },
});
