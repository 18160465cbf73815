import { afterEach } from 'vitest';
import type { Jobs, OpenJobsOptions } from '../../src/jobs/index.ts';
import { openJobs } from '../../src/jobs/index.ts';
import { type OpenedSupervisor, openSupervisor } from '../runtime/greenroom.ts';

const open: Jobs[] = [];

/** A supervisor of workbenches, and its jobs, which are closed after the test, and before the supervisor is stopped. */
export async function openWorkbench(
  plugins: Parameters<typeof openSupervisor>[0] = { plugin: { fixture: 'workbench' } },
  options: Parameters<typeof openSupervisor>[1] = {},
): Promise<OpenedSupervisor & { readonly jobs: Jobs }> {
  const opened = await openSupervisor(plugins, options);
  return { ...opened, jobs: await openTheJobs({ supervisor: opened.supervisor }) };
}

/** As `openJobs`; closed after the test. */
export async function openTheJobs(options: OpenJobsOptions): Promise<Jobs> {
  const jobs = await openJobs(options);
  open.push(jobs);
  return jobs;
}

afterEach(async () => {
  await Promise.all(
    open.splice(0).map(async (jobs) => {
      // Those of a test that has failed; closed jobs refuse.
      for (const state of ['running', 'waiting', 'delayed', 'blocked'] as const)
        for (const { id } of await jobs.list({ state }).then(
          (page) => page.jobs,
          () => [],
        ))
          await jobs.cancel(id).catch(() => {});
      await jobs.close();
    }),
  );
});
