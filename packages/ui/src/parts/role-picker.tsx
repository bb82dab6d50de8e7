import type { Role } from '@hauban/shared/api';
import { NODE_ROLES } from '@hauban/shared/protocol';
import { Checkbox } from '@mantine/core';
import { texts } from '../texts/index.ts';
import { roleName } from './role-chips.tsx';

/** Any of the roles of a node. */
export function RolePicker({
  value,
  onChange,
}: {
  readonly value: readonly Role[];
  readonly onChange: (roles: readonly Role[]) => void;
}) {
  return (
    <Checkbox.Group label={texts.join.roles} value={[...value]} onChange={(roles) => onChange(roles)}>
      <div className="hb-row" style={{ paddingTop: 4 }}>
        {NODE_ROLES.map((role) => (
          <Checkbox key={role} value={role} label={roleName(role)} />
        ))}
      </div>
    </Checkbox.Group>
  );
}
