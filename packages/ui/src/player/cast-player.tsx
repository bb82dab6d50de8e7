/**
 * Plays an asciicast with asciinema-player. The player parses the recording itself (WebAssembly): the content policy
 * has to allow 'wasm-unsafe-eval'. May import texts; fetches nothing.
 */
import { create, type Player } from 'asciinema-player';
import 'asciinema-player/dist/bundle/asciinema-player.css';
import { useEffect, useRef } from 'react';
import { texts } from '../texts/index.ts';
import './cast-player.css';

export interface CastPlayerProps {
  readonly cast: string;
  /** Seconds from the beginning; 0: from the start. */
  readonly startAtS: number;
  readonly onProblem: (problem: unknown) => void;
}

/** Silence longer than this is shortened while playing; seconds. */
const IDLE_LIMIT_S = 3;

export function CastPlayer({ cast, startAtS, onProblem }: CastPlayerProps) {
  const place = useRef<HTMLDivElement | null>(null);
  const report = useRef(onProblem);
  useEffect(() => {
    report.current = onProblem;
  });
  useEffect(() => {
    const element = place.current;
    if (element === null) return undefined;
    let player: Player | null = null;
    try {
      player = create({ data: cast, parser: 'asciicast' }, element, {
        fit: 'both',
        controls: true,
        preload: true,
        idleTimeLimit: IDLE_LIMIT_S,
        theme: 'hauban',
        ...(startAtS > 0 ? { startAt: startAtS } : { poster: 'npt:0:01' }),
      });
    } catch (error) {
      report.current(error);
    }
    return () => player?.dispose();
  }, [cast, startAtS]);
  return <div ref={place} className="hb-player" role="group" aria-label={texts.recording.player} />;
}
