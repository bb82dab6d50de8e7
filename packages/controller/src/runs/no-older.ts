/**
 * Targets that were read beside their run, at the same time, may be older than it. Those of a run that is over are all
 * over: undefined when these are not, and have to be read again.
 */
export function noOlder<Target extends { readonly finishedAt: number | null }>(
  run: { readonly finishedAt: number | null },
  targets: readonly Target[] | undefined,
): readonly Target[] | undefined {
  const isOlder = run.finishedAt !== null && targets?.some(({ finishedAt }) => finishedAt === null);
  return isOlder === true ? undefined : targets;
}
