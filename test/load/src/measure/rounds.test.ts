import { expect, test } from 'vitest';
import { runRounds, type Sample, summarize } from './rounds.ts';

const sample = (rate: number, foreignShare: number): Sample => ({
  rate,
  usage: { seconds: 1, serverCpuMicros: 0, foreignShare },
});

function scripted(shares: readonly number[]): { sample(name: string): Promise<Sample>; order: string[] } {
  const order: string[] = [];
  return {
    order,
    sample: async (name) => {
      const round = Math.floor(order.length / 2);
      order.push(name);
      return sample(round, name === 'a' ? 0 : shares[round]!);
    },
  };
}

test('takes turns, each round in another order, until enough quiet rounds are there', async () => {
  const script = scripted([0.5, 0.01, 0.9, 0.02]);
  const result = await runRounds(['a', 'b'], { rounds: 2, maxForeignShare: 0.1, patience: 3, sample: script.sample });
  expect(script.order.join('')).toBe('abbaabba');
  expect(result.samples.get('a')!.map(({ rate }) => rate)).toEqual([1, 3]);
  expect(result).toMatchObject({ discarded: 2, noisy: 0 });
});

test('on a machine that is never quiet the least disturbed rounds are kept, and counted', async () => {
  const script = scripted([0.5, 0.05, 0.4, 0.3]);
  const result = await runRounds(['a', 'b'], { rounds: 2, maxForeignShare: 0.1, patience: 2, sample: script.sample });
  expect(result.samples.get('b')!.map(({ rate }) => rate)).toEqual([1, 3]);
  expect(result).toMatchObject({ discarded: 2, noisy: 1 });
});

test('medians', () => {
  const latency = (p50Ms: number): Sample['latency'] => ({ p50Ms, p99Ms: p50Ms * 2, maxMs: p50Ms * 3 });
  expect(
    summarize([
      { ...sample(10, 0), cpuMicrosPerOperation: 5, latency: latency(1) },
      { ...sample(30, 0), cpuMicrosPerOperation: 9, latency: latency(5) },
      { ...sample(20, 0), cpuMicrosPerOperation: 4, latency: latency(2) },
    ]),
  ).toEqual({ rate: 20, spread: 1, cpuMicrosPerOperation: 5, latency: { p50Ms: 2, p99Ms: 4, maxMs: 6 } });
});
