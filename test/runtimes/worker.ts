// The suite as a Cloudflare Worker.
import { runSuite } from './suite.ts';

export default {
  async fetch(request: Request): Promise<Response> {
    return Response.json(await runSuite(new URL(request.url).searchParams.get('url') ?? ''));
  },
};
