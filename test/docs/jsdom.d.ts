// What is used of jsdom. Its published types would bring those of a browser into every program that vitest is part of.
declare module 'jsdom' {
  export class VirtualConsole {}
  export class JSDOM {
    constructor(html: string, options?: Readonly<Record<string, unknown>>);
    readonly window: Window & typeof globalThis;
  }
}
