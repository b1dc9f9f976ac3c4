import { Hono } from 'hono';
import { products } from './products.ts';
import { purchases } from './purchases.ts';

const app = new Hono<{ Bindings: Env }>();

app.route('/purchases', purchases);
app.route('/products', products);
app.get('/', (c) => c.json({ routes: app.routes.map(({ method, path }) => `${method} ${path}`) }));

export default app;
