/** Puts the older protocol together from what it shares with the newer one. */
import type { PrismaService } from '../accelerate/create-accelerate.ts';
import type { Workplace } from '../workers/workplace.ts';
import type { StartCompiler } from './compiler-thread.ts';
import { createDataProxyHandler, type DataProxyHandler } from './data-proxy-handler.ts';
import { type CompilerLimits, createQueryCompilers } from './query-compilers.ts';
import { createSchemaStore } from './schema-store.ts';

export interface DataProxyOptions {
  readonly service: PrismaService;
  readonly startCompiler: StartCompiler;
  readonly limits?: Partial<CompilerLimits> | undefined;
  readonly publicOrigin?: string | undefined;
  readonly workplace: Pick<Workplace, 'dataProxy'>;
}

export interface DataProxy {
  readonly handler: DataProxyHandler;
  close(): void;
}

/** Schemas of all keys: a few hundred large ones. What does not fit is uploaded again when it is asked for. */
const maxSchemaBytes = 33_554_432;

export function createDataProxy(options: DataProxyOptions): DataProxy {
  const { service, startCompiler, limits, publicOrigin, workplace } = options;
  const compilers = createQueryCompilers({ start: startCompiler, clock: service.clock, limits });
  const handler = createDataProxyHandler({
    ...service,
    schemas: createSchemaStore({ maxBytes: maxSchemaBytes }),
    compilers,
    publicOrigin,
  });
  return {
    handler: workplace.dataProxy(handler, service),
    close: () => compilers.close(),
  };
}
