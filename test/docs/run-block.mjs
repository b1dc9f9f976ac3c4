// Runs one code block that was made a module: imports it, and calls what it exports as a platform would.
const module = await import(process.argv[2]);
const handler = module.default?.fetch?.bind(module.default) ?? module.default ?? module.GET ?? module.POST;
if (typeof handler === 'function') {
  const request = new Request(
    'https://app.example.com/?id=1',
    module.GET || module.default ? {} : { method: 'POST', body: '{}' },
  );
  const waiting = [];
  const response = await handler(request, process.env, { waitUntil: (promise) => waiting.push(promise) });
  await Promise.all(waiting);
  if (!(response instanceof Response)) throw new Error('the handler did not return a Response');
  const body = await response.text();
  if (!response.ok) throw new Error(`the handler answered with status ${response.status}: ${body}`);
  console.log(body);
}
// A block may leave a pool open: programs of its kind never end.
process.exit(0);
