/** Colours, sizes and the base of the page, as CSS and as Mantine's theme. May import nothing of ours. */
import { createTheme, type CSSVariablesResolver, type MantineColorsTuple } from '@mantine/core';

const MARINE: MantineColorsTuple = [
  '#eef5fb',
  '#dce9f4',
  '#b6d3ea',
  '#8dbbe0',
  '#7fb8e6',
  '#4a90c8',
  '#2f75ae',
  '#1c5a8d',
  '#164a75',
  '#0f3859',
];

const SLATE: MantineColorsTuple = [
  '#e4eaf0',
  '#c3ced8',
  '#adbac6',
  '#8d9dab',
  '#46586a',
  '#2b3844',
  '#1e2933',
  '#172029',
  '#10171d',
  '#0b1116',
];

/** Mantine in the colours and measures of the house; the tokens themselves are in `tokens.css`. */
export const theme = createTheme({
  primaryColor: 'marine',
  primaryShade: { light: 7, dark: 6 },
  colors: { marine: MARINE, dark: SLATE },
  defaultRadius: 'sm',
  fontFamily: 'var(--hb-sans)',
  fontFamilyMonospace: 'var(--hb-mono)',
  fontSizes: { xs: '12px', sm: '13px', md: '14px', lg: '16px', xl: '19px' },
  headings: { fontFamily: 'var(--hb-sans)', fontWeight: '600' },
  cursorType: 'pointer',
  respectReducedMotion: true,
  components: {
    Button: { defaultProps: { size: 'sm' } },
    TextInput: { defaultProps: { size: 'sm' } },
    Select: { defaultProps: { size: 'sm' } },
    Modal: { defaultProps: { centered: false, overlayProps: { backgroundOpacity: 0.45 } } },
    Tooltip: { defaultProps: { withArrow: true, openDelay: 250 } },
  },
});

/** The few colours that Mantine's own parts take from variables. */
export const cssVariablesResolver: CSSVariablesResolver = () => {
  const shared = {
    '--mantine-color-body': 'var(--hb-surface)',
    '--mantine-color-text': 'var(--hb-ink)',
    '--mantine-color-dimmed': 'var(--hb-ink-2)',
    '--mantine-color-placeholder': 'var(--hb-ink-3)',
    '--mantine-color-default-border': 'var(--hb-line-strong)',
    '--mantine-color-anchor': 'var(--hb-accent)',
    '--mantine-color-error': 'var(--hb-bad)',
  };
  return { variables: {}, light: shared, dark: shared };
};
