/** The page of all errors, made from the catalogue that the program itself uses. */
import { type ErrorCatalogueEntry, errorCatalogue } from '@postern/contract';

/** Markdown with one section for each error of the catalogue. */
export function errorPage(catalogue: Readonly<Record<string, ErrorCatalogueEntry>> = errorCatalogue): string {
  const rows = Object.entries(catalogue);
  return [
    '---',
    'aside: false',
    '---',
    '',
    '# Errors',
    '',
    `Every error of Postern's own (${rows.length}), generated from \`packages/contract/src/error-catalogue.ts\`. Errors of Postgres are not`,
    'among them: they reach the caller with all their fields, as Postgres sent them.',
    '',
    'The SQLSTATE is the `code` of `pg`, of the drivers and of a `/sql` body. Most errors on `/sql` have HTTP status 400 because that is',
    'the only status whose body the official Neon driver reads. *Safe to repeat* means that nothing of the statement can have run.',
    'Its body, and the error that `@postern/serverless` makes of it, have the name from this list as `gatewayCode`, where the request itself',
    'was refused or could not be answered.',
    'The Prisma code is the one that Prisma Client shows with an `accelerateUrl`.',
    '',
    '| Error | SQLSTATE | HTTP | WebSocket | Prisma | Safe to repeat |',
    '| --- | --- | --- | --- | --- | --- |',
    ...rows.map(
      ([code, { sqlstate, httpStatus, closeCode, prismaCode, safeToRetry }]) =>
        `| [\`${code}\`](#${code}) | ${sqlstate} | ${httpStatus} | ${closeCode} | ${prismaCode} | ${yesOrNo(safeToRetry)} |`,
    ),
    '',
    ...rows.flatMap(([code, entry]) => section(code, entry)),
  ].join('\n');
}

function section(code: string, { severity, sqlstate, meaning, cure, safeToRetry }: ErrorCatalogueEntry): string[] {
  const end = severity === 'FATAL' ? 'the session ends' : 'the session goes on';
  return [
    `## \`${code}\` {#${code}}`,
    '',
    `**Cause.** ${escapeMarkdown(meaning)}`,
    '',
    `**Cure.** ${escapeMarkdown(cure)}`,
    '',
    `SQLSTATE ${sqlstate}, ${severity}: ${end}. ${safeToRetry ? 'Repeating it is safe.' : 'Do not repeat it blindly.'}`,
    '',
  ];
}

function yesOrNo(value: boolean): string {
  return value ? 'yes' : 'no';
}

/** So that a text is shown as it is, whatever it holds. */
export function escapeMarkdown(text: string): string {
  return text.replaceAll(/[\\`*_{}[\]<>|&#$]/g, (character) => `&#${character.codePointAt(0)};`);
}
