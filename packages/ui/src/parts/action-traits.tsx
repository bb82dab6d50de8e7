import type { ActionRow } from '@hauban/shared/api';
import { NODE_ROLES } from '@hauban/shared/protocol';
import { texts } from '../texts/index.ts';
import { roleName } from './role-chips.tsx';
import { RiskMark } from './state-marks.tsx';

const t = texts.actions;
const nameOfRole = (role: string): string => {
  const known = NODE_ROLES.find((each) => each === role);
  return known === undefined ? role : roleName(known);
};

/** Risk, where it makes sense, what it needs. */
export function ActionTraits({ action }: { readonly action: ActionRow }) {
  return (
    <div className="hb-row hb-small">
      {action.readOnly ? <span className="hb-chip">{t.readOnly}</span> : <RiskMark risk={action.risk} />}
      <span className="hb-chip">
        {action.roles.length === 0 ? t.anyRole : t.roles(action.roles.map(nameOfRole).join(', '))}
      </span>
      {action.needsRoot ? <span className="hb-chip">{t.needsRoot}</span> : null}
    </div>
  );
}
