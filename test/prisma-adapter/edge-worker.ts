// The program as a Cloudflare Worker.
import { runOperations } from './edge-program.ts';

export default {
  async fetch(request: Request): Promise<Response> {
    const { searchParams } = new URL(request.url);
    const transport = searchParams.get('transport') === 'ws' ? 'ws' : 'http';
    return Response.json(await runOperations(searchParams.get('url') ?? '', transport));
  },
};
