import './progress-line.css';

/** How far something has come, as a bar and in words; the words alone when it is over. */
export function ProgressLine({
  label,
  more = '',
  value,
  max,
  isOver = false,
}: {
  readonly label: string;
  /** Said behind it; may be foreign. */
  readonly more?: string;
  readonly value: number;
  readonly max: number;
  readonly isOver?: boolean;
}) {
  return (
    <div className="hb-progress" role="status">
      {isOver ? null : <progress max={max} value={value} aria-label={label} />}
      <span className="hb-quiet hb-foreign">{more === '' ? label : `${label} ${more}`}</span>
    </div>
  );
}
