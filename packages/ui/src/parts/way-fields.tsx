import { PasswordInput, SegmentedControl } from '@mantine/core';
import { texts } from '../texts/index.ts';
import type { signUpProblems, SignUpForm } from './sign-up-form.ts';

const t = texts.setup;

interface WayFieldsProps {
  readonly form: SignUpForm;
  readonly problems: ReturnType<typeof signUpProblems>;
  readonly onChange: (form: SignUpForm) => void;
}

function PasswordFields({ form, problems, onChange }: WayFieldsProps) {
  return (
    <>
      <PasswordInput
        label={t.passwordLabel}
        description={t.passwordHint}
        autoComplete="new-password"
        name="new-password"
        value={form.password}
        error={problems.password ?? null}
        onChange={(event) => onChange({ ...form, password: event.currentTarget.value })}
      />
      <PasswordInput
        label={t.passwordAgain}
        autoComplete="new-password"
        name="new-password-again"
        value={form.again}
        error={problems.again ?? null}
        onChange={(event) => onChange({ ...form, again: event.currentTarget.value })}
      />
    </>
  );
}

/** How a new person will sign in: a passkey where the address allows one, or a password. */
export function WayFields({ canPasskey, ...rest }: WayFieldsProps & { readonly canPasskey: boolean }) {
  const { form, onChange } = rest;
  return (
    <>
      {canPasskey ? (
        <SegmentedControl
          fullWidth
          aria-label={t.how}
          value={form.way}
          onChange={(way) => onChange({ ...form, way: way === 'passkey' ? 'passkey' : 'password' })}
          data={[
            { value: 'passkey', label: t.passkey },
            { value: 'password', label: t.password },
          ]}
        />
      ) : (
        <p className="hb-quiet hb-small">{t.passkeyMissing}</p>
      )}
      {form.way === 'passkey' ? <p className="hb-quiet">{t.passkeyText}</p> : <PasswordFields {...rest} />}
    </>
  );
}
