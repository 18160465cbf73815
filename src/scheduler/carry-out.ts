import type { Agenda } from './agenda.ts';
import type { Conclusion } from './decide.ts';
import { decisionOf, refusalOf } from './decision-of.ts';
import type { Evictions } from './evictions.ts';
import type { Freshness } from './freshness.ts';
import type { GpuAmounts } from './gpus/gpu-amounts.ts';
import type { Ledger } from './ledger.ts';
import { NOTHING, plus } from './need.ts';
import type { Outbox } from './outbox.ts';
import type { Policy, Verdict } from './policies/policy.ts';
import type { Reservation } from './reservation.ts';
import { residentKey } from './resident-key.ts';
import type { Request, WaitingQueue } from './waiting-queue.ts';

/** How long a victim may take to answer before memory is looked for elsewhere, in milliseconds. */
export const VICTIM_LATE_MS = 30_000;

/** What a conclusion changes. */
export interface Books {
  readonly policy: Policy;
  readonly ledger: Ledger;
  readonly queue: WaitingQueue;
  readonly evictions: Evictions;
  readonly agenda: Agenda;
  readonly freshness: Freshness;
  readonly outbox: Outbox;
}

type Of<O extends Conclusion['outcome']> = Extract<Conclusion, { outcome: O }>;

/** Carries out what was decided about a request: changes the books and puts answers and the report in the outbox. */
export function carryOut(request: Request, conclusion: Conclusion, books: Books, now: number): void {
  switch (conclusion.outcome) {
    case 'grant':
      return grant(request, conclusion, books, now);
    case 'refuse':
      return refuse(request, conclusion, books, now);
    case 'wait':
      return wait(request, conclusion, books, now);
    case 'evict':
      return evict(request, conclusion, books, now);
    case 'await-victims':
      if (books.evictions.hold(request, books.ledger)) books.agenda.addWaiting();
      return;
    case 'start-cold':
      return startCold(request, conclusion, books, now);
  }
}

function grant(request: Request, conclusion: Of<'grant'>, books: Books, now: number): void {
  const { plugin, generation, ref, further } = request;
  const { ledger, evictions, queue, agenda, outbox } = books;
  const key = residentKey(request);
  const own = ledger.get(key, generation)?.need ?? NOTHING;
  const held = evictions.held(key, further);
  const need = ledger.gpus.placed(conclusion.need, ledger.pinned, () => [
    conclusion.free,
    // What was given up for it and is not measured as free is a better place than what others have taken.
    plus(ledger.available(held, evictions.gained(key)), own),
    plus(ledger.unreserved(held), own),
  ]);
  report(request, conclusion, conclusion, books, now, need.gpus);
  const answered = queue.get(key);
  if (answered?.generation === generation) agenda.forget(answered);
  ledger.reserve(plugin, generation, ref, need, now, further);
  outbox.send(ref, { type: 'GRANTED', generation, gpus: ledger.get(key, generation)?.gpus });
}

function refuse(request: Request, conclusion: Of<'refuse'>, books: Books, now: number): void {
  const { reason, retryAfterMs, free } = conclusion;
  const { policy, ledger, agenda, outbox } = books;
  report(request, conclusion, conclusion, books, now);
  if (!request.extra) agenda.forget(request);
  const error = refusalOf(request, reason, retryAfterMs, { policy, ledger, free });
  outbox.send(request.ref, { type: 'REFUSED', generation: request.generation, error });
}

function wait(request: Request, conclusion: Of<'wait'>, books: Books, now: number): void {
  const { reason, again, keep, confirmBy } = conclusion;
  const { ledger, queue, evictions, agenda, freshness } = books;
  const key = residentKey(request);
  if (confirmBy !== undefined) {
    request.confirmBy = confirmBy;
    freshness.confirmSoon(now);
  }
  queue.park(request);
  queue.remind(request, again !== undefined && again > now ? again : Infinity);
  queue.keep(request, keep === true && !request.further);
  // Memory is kept back only for the first request that the policy keeps it for, and for requests whose victims have left.
  const confirms = confirmBy !== undefined && evictions.has(key) ? 'confirmed' : undefined;
  const waitsFor = queue.firstKept === request ? 'kept' : confirms;
  const freed = waitsFor === undefined ? evictions.delete(key) : evictions.holdWaiting(request, waitsFor, ledger);
  if (freed) agenda.addWaiting();
  if (request.reported === reason) return;
  request.reported = reason;
  report(request, conclusion, conclusion, books, now);
}

function evict(request: Request, conclusion: Of<'evict'>, books: Books, now: number): void {
  const { outcome, reason, considered } = conclusion;
  const { ledger, queue, evictions, agenda, outbox } = books;
  for (const { victim, reservation } of conclusion.victims) {
    const { ref, generation } = reservation;
    refuseReturn(reservation, books, now);
    ledger.leave(reservation, victim.ask);
    const further = request.further && ({ further: true } as const);
    outbox.send(
      ref,
      victim.ask === 'YIELD'
        ? { type: victim.ask, generation, deadline: victim.deadline, ...further }
        : { type: victim.ask, generation, ...further },
    );
  }
  request.reported = undefined;
  request.confirmBy = undefined;
  queue.unpark(request);
  queue.remind(request, now + VICTIM_LATE_MS);
  const reservations = conclusion.victims.map(({ reservation }) => reservation);
  if (evictions.start(request, reservations, ledger)) agenda.addWaiting();
  const victims = conclusion.victims.map(({ victim }) => victim);
  const place = evictions.placeOf(residentKey(request));
  report(request, { outcome, reason, considered, victims }, conclusion, books, now, place);
}

/** A victim that is warm and waits to be a further instance again waits no more. */
function refuseReturn(victim: Reservation, books: Books, now: number): void {
  const key = residentKey(victim);
  const request = books.queue.get(key);
  if (request?.generation !== victim.generation) return;
  const free = books.ledger.available(books.evictions.held(key, request.further));
  refuse(request, { outcome: 'refuse', reason: 'evicted', free }, books, now);
}

function startCold(request: Request, conclusion: Of<'start-cold'>, books: Books, now: number): void {
  const { own, reason } = conclusion;
  const { plugin, generation } = own;
  const victims = [{ plugin, generation, ask: 'RELEASE' }] as const;
  report(request, { outcome: 'evict', reason, considered: [], victims }, conclusion, books, now);
  books.agenda.forget(request);
  books.ledger.leave(own, 'RELEASE');
  books.outbox.send(request.ref, { type: 'START_COLD', generation });
}

function report(
  request: Request,
  verdict: Verdict,
  { free }: Conclusion,
  { policy, ledger, outbox }: Books,
  now: number,
  place?: GpuAmounts,
): void {
  outbox.emit({ type: 'decision', decision: decisionOf(request, verdict, { policy, ledger, free, now, place }) });
}
