import { texts } from '../texts/index.ts';

export interface SignUpForm {
  readonly name: string;
  readonly way: 'passkey' | 'password';
  readonly password: string;
  readonly again: string;
}

/** As `PersonName` and `Password` of the contract. */
const NAME = /^(?!(?:system|nobody)$)[a-z][a-z0-9._-]{1,31}$/;
const PASSWORD_MIN = 12;

/** One sentence for each field that is not right. */
export function signUpProblems(form: SignUpForm): { name?: string; password?: string; again?: string } {
  const problems: { name?: string; password?: string; again?: string } = {};
  if (!NAME.test(form.name.trim())) problems.name = texts.setup.badName;
  if (form.way === 'passkey') return problems;
  if (form.password.length < PASSWORD_MIN) problems.password = texts.setup.passwordShort;
  else if (form.password !== form.again) problems.again = texts.setup.passwordDiffers;
  return problems;
}
