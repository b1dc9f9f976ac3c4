// For `withAccelerate()` of @prisma/extension-accelerate in front of a gateway of one's own. Two of its habits would hurt
// (reference/prisma.md §2.2): unless the host is exactly localhost it sends `/invalidate`, API key included, to Prisma's
// cloud; and it connects at once, with nobody to catch the failure, so a gateway that is down ends the program.

/** The origin the extension has built in for everything but localhost. */
const builtInOrigin = 'https://accelerate.prisma-data.net';

type Fetch = (input: string | URL | Request, init?: RequestInit) => Promise<Response>;

export interface GatewayFetchOptions {
  /** Default: the global fetch. */
  readonly fetch?: Fetch | undefined;
}

/**
 * The `fetch` for `withAccelerate({ fetch: gatewayFetch(url) })`, where `url` is the `accelerateUrl`
 * (`prisma+postgres://host/?api_key=…`): what would leave for Prisma's cloud goes to the gateway.
 * Throws TypeError when `url` is not a URL.
 */
export function gatewayFetch(url: string, options: GatewayFetchOptions = {}): Fetch {
  const origin = gatewayOrigin(url);
  return (input, init) => {
    const send = options.fetch ?? globalThis.fetch;
    const target = typeof input === 'string' || input instanceof URL ? String(input) : input.url;
    if (target !== builtInOrigin && !target.startsWith(`${builtInOrigin}/`)) return send(input, init);
    const moved = origin + target.slice(builtInOrigin.length);
    return send(typeof input === 'string' || input instanceof URL ? moved : new Request(moved, input), init);
  };
}

/** http only where the client uses it too: `prisma+postgres:` and a host that contains a name of this machine. */
export function gatewayOrigin(url: string): string {
  const { protocol, host } = new URL(url);
  const isLocal = protocol === 'prisma+postgres:' && /localhost|127\.0\.0\.1|\[::1\]/.test(host);
  return `${isLocal ? 'http' : 'https'}://${host}`;
}

/** What a Prisma extension is to `$extends`: a function of the client. */
type Extension = (client: never) => unknown;

/** The parts of PrismaClient that the extension touches when it connects. */
interface EngineOwner {
  readonly _engine?: { start?: () => PromiseLike<unknown> };
}

/**
 * `prisma.$extends(connectLater(withAccelerate({ fetch: gatewayFetch(url) })))`: a gateway that is down when the program
 * starts makes queries fail, as it should, and nothing else. The client connects with the first query.
 */
export function connectLater<E>(extension: E): E {
  if (typeof extension !== 'function') return extension;
  const extend = extension as unknown as Extension; // checked: it is a function
  const careful = (client: never): unknown => {
    const engine = (client as EngineOwner)._engine;
    const start = engine?.start;
    if (engine === undefined || start === undefined) return extend(client);
    // Only while the extension is set up: it connects for the API key, which it needs for invalidation, if ever.
    engine.start = () => whenAwaited(() => start.call(engine));
    try {
      return extend(client);
    } finally {
      engine.start = start;
    }
  };
  return careful as unknown as E; // the same call signature
}

/** A promise whose work begins when somebody waits for it (`await` passes two functions), not when it is chained. */
function whenAwaited<T>(work: () => PromiseLike<T>): PromiseLike<T> {
  return {
    // biome-ignore lint/suspicious/noThenProperty: being awaited later is the point
    then<A, B>(onFulfilled?: Fulfilled<T, A>, onRejected?: Rejected<B>): PromiseLike<A | B> {
      const settled = (): PromiseLike<A | B> => work().then(onFulfilled, onRejected);
      return onRejected ? settled() : whenAwaited(settled);
    },
  };
}

type Fulfilled<T, A> = ((value: T) => A | PromiseLike<A>) | null | undefined;
type Rejected<B> = ((reason: unknown) => B | PromiseLike<B>) | null | undefined;
