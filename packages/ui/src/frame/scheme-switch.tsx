import { SegmentedControl, useMantineColorScheme } from '@mantine/core';
import { texts } from '../texts/index.ts';

/** As the system, light or dark; remembered in this browser. */
export function SchemeSwitch() {
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  return (
    <SegmentedControl
      size="xs"
      aria-label={texts.scheme.label}
      value={colorScheme}
      onChange={(value) => setColorScheme(value)}
      data={[
        { value: 'auto', label: texts.scheme.system },
        { value: 'light', label: texts.scheme.light },
        { value: 'dark', label: texts.scheme.dark },
      ]}
    />
  );
}
