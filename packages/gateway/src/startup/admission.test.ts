import { describe, expect, it } from 'vitest';
import { type AdmissionTicket, createAdmission } from './admission.ts';

function ticketOf(result: AdmissionTicket | { refusal: string }): AdmissionTicket {
  if ('refusal' in result) throw new Error(result.refusal);
  return result;
}

describe('createAdmission', () => {
  it('lets in so many callers, and another when one has gone', () => {
    const admission = createAdmission({ maxCallers: 2 });
    const first = ticketOf(admission.admit('a'));
    ticketOf(admission.admit('b')).authenticated();
    expect(admission.admit('c')).toMatchObject({ refusal: expect.stringContaining('maximum of 2') });
    first.release();
    first.release();
    expect(admission.callers).toBe(1);
    ticketOf(admission.admit('c'));
  });

  it('lets in so many strangers of one address, authenticated ones and this machine apart', () => {
    const admission = createAdmission({ maxUnauthenticatedPerAddress: 2 });
    const first = ticketOf(admission.admit('a'));
    ticketOf(admission.admit('a'));
    for (const local of ['127.0.0.1', '::1', '::ffff:127.0.0.1']) {
      for (let n = 0; n < 3; n++) ticketOf(admission.admit(local));
    }
    expect(admission.admit('a')).toMatchObject({ refusal: expect.stringContaining('limit 2') });
    ticketOf(admission.admit('b'));
    first.authenticated();
    ticketOf(admission.admit('a'));
  });

  it('drops greedy strangers when all together sent too much, never modest or known ones', () => {
    const admission = createAdmission({ maxUnauthenticatedBytes: 1_000_000 });
    const greedy = ticketOf(admission.admit('a'));
    const modest = ticketOf(admission.admit('b'));
    expect(greedy.received(900_000)).toBe(true);
    expect(modest.received(100_000)).toBe(true);
    expect(modest.received(10_000)).toBe(true);
    expect(greedy.received(1)).toBe(false);
    greedy.release();
    const known = ticketOf(admission.admit('c'));
    expect(known.received(800_000)).toBe(true);
    known.authenticated();
    expect(known.received(5_000_000)).toBe(true);
    expect(ticketOf(admission.admit('d')).received(800_000)).toBe(true);
  });
});
