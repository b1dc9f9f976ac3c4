import { describe, expect, it } from 'vitest';
import { type AdmissionTicket, createAdmission } from './admission.ts';

function ticketOf(result: AdmissionTicket | { refusal: string }): AdmissionTicket {
  if ('refusal' in result) throw new Error(result.refusal);
  return result;
}

describe('createAdmission', () => {
  it('lets in so many callers, and another when one has gone', () => {
    const admission = createAdmission({ maxCallers: 2 });
    const first = ticketOf(admission.admit('a', false));
    ticketOf(admission.admit('b', false)).authenticated();
    expect(admission.admit('c', false)).toMatchObject({ refusal: expect.stringContaining('maximum of 2') });
    first.release();
    first.release();
    expect(admission.callers).toBe(1);
    ticketOf(admission.admit('c', false));
  });

  it('lets in so many strangers of one address, authenticated ones and this machine apart', () => {
    const admission = createAdmission({ maxUnauthenticatedPerAddress: 2 });
    const first = ticketOf(admission.admit('a', false));
    ticketOf(admission.admit('a', false));
    expect(admission.admit('a', false)).toMatchObject({ refusal: expect.stringContaining('limit 2') });
    ticketOf(admission.admit('b', false));
    ticketOf(admission.admit('a', true)).release();
    first.authenticated();
    ticketOf(admission.admit('a', false));
  });

  it('drops greedy strangers when all together sent too much, never modest or known ones', () => {
    const admission = createAdmission({ maxUnauthenticatedBytes: 1_000_000 });
    const greedy = ticketOf(admission.admit('a', false));
    const modest = ticketOf(admission.admit('b', false));
    expect(greedy.received(900_000)).toBe(true);
    expect(modest.received(100_000)).toBe(true);
    expect(modest.received(10_000)).toBe(true);
    expect(greedy.received(1)).toBe(false);
    greedy.release();
    const known = ticketOf(admission.admit('c', false));
    expect(known.received(800_000)).toBe(true);
    known.authenticated();
    expect(known.received(5_000_000)).toBe(true);
    expect(ticketOf(admission.admit('d', false)).received(800_000)).toBe(true);
  });
});
