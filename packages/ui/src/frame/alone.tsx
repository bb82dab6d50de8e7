import { useEffect, type ReactNode } from 'react';
import { LogoMark } from '../parts/logo.tsx';
import { texts } from '../texts/index.ts';
import './app-frame.css';

/** A page without the frame: set-up and sign-in. */
export function Alone({ title, children }: { readonly title: string; readonly children: ReactNode }) {
  useEffect(() => {
    document.title = texts.app.title(title);
  }, [title]);
  return (
    <main className="hb-alone">
      <div className="hb-alone-brand">
        <LogoMark sizePx={40} isDecorative={false} />
        {texts.app.name}
      </div>
      <div className="hb-card hb-alone-card hb-stack">
        <h1 className="hb-alone-title">{title}</h1>
        {children}
      </div>
    </main>
  );
}
