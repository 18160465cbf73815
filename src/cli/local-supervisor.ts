import type { Supervisor } from '../runtime/supervisor.ts';
import type { SupervisorSettings } from '../settings/schema.ts';

/** Starts a supervisor that lives for one command. */
export async function startSupervisor(settings: SupervisorSettings): Promise<Supervisor> {
  const { createOneInstanceSupervisor } = await import('../runtime/supervisor.ts');
  const { isGiven } = await import('../settings/resolve.ts');
  return createOneInstanceSupervisor({
    ...settings,
    watch: false,
    handleSignals: false,
    unref: false,
    load: 'lazy',
    // What a person needs of it is told in words; the log itself is for those who ask for it.
    logLevel: isGiven('logLevel') ? undefined : 'silent',
  });
}
