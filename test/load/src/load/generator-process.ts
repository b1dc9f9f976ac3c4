// Entry of the load generator's process: fleets by number, driven by messages of the bench.
import { type Fleet, openFleet } from './fleet.ts';
import type { GeneratorAnswer, GeneratorRequest } from './generator.ts';

const fleets = new Map<number, Fleet>();

async function perform(request: GeneratorRequest): Promise<unknown> {
  if (request.verb === 'open') {
    fleets.set(request.fleet, await openFleet(request.options));
    return undefined;
  }
  const fleet = fleets.get(request.fleet);
  if (!fleet) throw new Error(`there is no fleet ${request.fleet}`);
  switch (request.verb) {
    case 'begin':
      return fleet.begin();
    case 'mark':
      return fleet.mark();
    case 'end':
      return fleet.end();
    case 'askOnce':
      return fleet.askOnce(request.callers);
    case 'connectAndAsk':
      return fleet.connectAndAsk(request.times, request.lanes);
    case 'stall':
      return fleet.stall();
    case 'close':
      fleets.delete(request.fleet);
      return fleet.close();
  }
}

process.on('message', (request: GeneratorRequest) => {
  const answer = (rest: Omit<GeneratorAnswer, 'id'>): void => void process.send?.({ id: request.id, ...rest });
  perform(request).then(
    (value) => answer({ value }),
    (error: Error) => answer({ error: error.message }),
  );
});
process.on('disconnect', () => process.exit(0));
