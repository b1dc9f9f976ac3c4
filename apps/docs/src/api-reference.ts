/** The API reference, made from doc comments by TypeDoc. */
import { join } from 'node:path';
import { Application, type TypeDocOptions } from 'typedoc';
import type { PluginOptions } from 'typedoc-plugin-markdown';

export interface ApiPackage {
  /** From the repository root. */
  readonly folder: string;
  /** Folder of its pages. */
  readonly page: string;
  /** Below its `src`. */
  readonly entries: readonly string[];
}

export interface ApiReferenceOptions {
  readonly repositoryFolder: string;
  readonly outputFolder: string;
  readonly packages: readonly ApiPackage[];
}

/** Writes Markdown for every package: one folder each, with an `index.md`. */
export async function generateApiReference({
  repositoryFolder,
  outputFolder,
  packages,
}: ApiReferenceOptions): Promise<void> {
  for (const { folder, page, entries } of packages) {
    const options: Partial<TypeDocOptions & PluginOptions> = {
      plugin: ['typedoc-plugin-markdown'],
      entryPoints: entries.map((entry) => join(repositoryFolder, folder, 'src', entry)),
      tsconfig: join(repositoryFolder, 'tsconfig.json'),
      // tsc has its own check in `npm test`.
      skipErrorChecking: true,
      name: `@postern/${page}`,
      readme: 'none',
      out: join(outputFolder, page),
      disableSources: true,
      excludeInternal: true,
      excludePrivate: true,
      excludeExternals: true,
      logLevel: 'Error',
      router: 'kind',
      entryFileName: 'index',
      hidePageHeader: true,
      hideBreadcrumbs: true,
      useCodeBlocks: true,
      expandObjects: true,
      parametersFormat: 'table',
      interfacePropertiesFormat: 'table',
      typeAliasPropertiesFormat: 'table',
    };
    const application = await Application.bootstrapWithPlugins(options);
    const project = await application.convert();
    if (project === undefined) throw new Error(`TypeDoc could not read ${folder}`);
    await application.generateOutputs(project);
    if (application.logger.hasErrors()) throw new Error(`TypeDoc failed for ${folder}`);
  }
}
