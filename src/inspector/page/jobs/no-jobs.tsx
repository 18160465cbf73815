import { Empty } from '../shell/empty.tsx';

/** Why there are no jobs, and how to add one: on the command line, and where the page may be of a program's own supervisor, in it. */
export function NoJobs({
  plugin,
  refusal,
}: {
  readonly plugin: string | undefined;
  readonly refusal: string | undefined;
}) {
  if (refusal !== undefined)
    return (
      <Empty title="The jobs could not be opened">
        <bdi>{refusal}</bdi>
      </Empty>
    );
  const name = plugin ?? 'PLUGIN';
  const isDaemon = location.pathname.startsWith('/inspector/');
  return (
    <Empty title="No jobs are open">
      A job is a call that is kept on the disk and outlives its caller. Add one to a daemon:
      <code class="jobs-how">
        greenroom jobs add {name} '{'{}'}'
      </code>
      {!isDaemon && (
        <>
          or in the program that has this supervisor:
          <code class="jobs-how">
            {`import { openJobs } from 'greenroom/jobs';\n\nconst jobs = await openJobs({ supervisor });\nawait jobs.add(${JSON.stringify(name)}, {});`}
          </code>
        </>
      )}
    </Empty>
  );
}
