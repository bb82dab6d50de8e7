import type { Labels, Role } from '@hauban/shared/api';
import { visibleLine } from '../format/visible-text.ts';
import { texts } from '../texts/index.ts';
import './mark.css';

export const roleName = (role: Role): string => texts.role[role] ?? role;

/** Roles, then labels as name=value. */
export function RoleChips({ roles, labels }: { readonly roles: readonly Role[]; readonly labels: Labels }) {
  return (
    <span className="hb-chips">
      {roles.map((role) => (
        <span key={role} className="hb-chip" data-kind="role">
          {roleName(role)}
        </span>
      ))}
      {Object.entries(labels).map(([name, value]) => (
        <span key={name} className="hb-chip hb-foreign">
          {visibleLine(`${name}=${value}`, 100)}
        </span>
      ))}
    </span>
  );
}
