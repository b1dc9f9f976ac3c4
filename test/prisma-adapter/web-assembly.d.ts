// What the tests use of WebAssembly: @types/node names the modules only, the rest comes with the types of a browser.
declare namespace WebAssembly {
  type Exports = Record<string, unknown>;
  type ModuleImports = Record<string, unknown>;
  function compile(bytes: Uint8Array): Promise<Module>;
  function instantiate(module: Module, imports: Record<string, ModuleImports>): Promise<{ readonly exports: Exports }>;
}
