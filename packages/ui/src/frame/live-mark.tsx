import { useEffect } from 'react';
import { useLiveState } from '../api/hooks.ts';
import { useServices } from '../api/services.ts';
import { Mark } from '../parts/mark.tsx';
import { texts } from '../texts/index.ts';

/** Keeps the link open on every page, so that the mark tells the truth everywhere. */
function useOpenLink(): void {
  const { live } = useServices();
  useEffect(() => live.watchFleet(() => undefined), [live]);
}

/** Whether changes on the nodes arrive by themselves. */
export function LiveMark() {
  useOpenLink();
  const state = useLiveState();
  if (state.kind === 'open') return <Mark tone="ok" word={texts.live.open} hint={texts.live.openHint} />;
  if (state.kind === 'connecting') return <Mark tone="busy" word={texts.live.connecting} />;
  if (state.kind === 'waiting') return <Mark tone="warn" word={texts.live.waiting} hint={texts.live.waitingHint} />;
  return null;
}
