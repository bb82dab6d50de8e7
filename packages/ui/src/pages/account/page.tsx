/** The reader's own account: how they sign in, their API tokens, how the page looks. */
import type { Me } from '@hauban/shared/api';
import { useMe } from '../../api/hooks.ts';
import { readerZone } from '../../format/time.ts';
import { visibleLine } from '../../format/visible-text.ts';
import { SchemeSwitch } from '../../frame/scheme-switch.tsx';
import { QueryView } from '../../parts/notices.tsx';
import { Facts, Page } from '../../parts/page.tsx';
import { texts } from '../../texts/index.ts';
import { ApiTokens } from './api-tokens.tsx';
import { OwnPasskeys } from './own-passkeys.tsx';
import { OwnSessions } from './own-sessions.tsx';
import { OwnSignOns } from './own-sign-ons.tsx';
import { SecondFactor } from './second-factor.tsx';

const t = texts.account;

function waysOf({ hasPasskey, hasPassword, hasTotp, hasSignOn }: Me): string {
  const password = hasTotp ? t.passwordAndCode : t.password;
  return [hasPasskey ? t.passkey : '', hasPassword ? password : '', hasSignOn ? texts.signOn.elsewhere : '']
    .filter((way) => way !== '')
    .join(', ');
}

function AboutMe({ me }: { readonly me: Me }) {
  return (
    <div className="hb-card hb-card-pad hb-stack">
      <Facts
        rows={[
          [
            t.name,
            <strong key="name" className="hb-foreign">
              {visibleLine(me.name, 64)}
            </strong>,
          ],
          [t.role, visibleLine(me.role, 64)],
          [t.signsInWith, waysOf(me)],
          [t.zone, readerZone()],
        ]}
      />
      <div className="hb-row">
        <span className="hb-quiet">{t.appearance}</span>
        <SchemeSwitch />
      </div>
    </div>
  );
}

export default function AccountPage() {
  const me = useMe();
  return (
    <Page title={t.title} isNarrow>
      <QueryView query={me}>{(data) => <AboutMe me={data} />}</QueryView>
      {me.data?.hasPassword === true ? <SecondFactor me={me.data} /> : null}
      <OwnPasskeys />
      {me.data === undefined ? null : <OwnSignOns me={me.data} />}
      <OwnSessions />
      <ApiTokens />
    </Page>
  );
}
