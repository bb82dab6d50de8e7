import { TextInput } from '@mantine/core';
import { IconSearch } from '@tabler/icons-react';
import type { RefObject } from 'react';

/** The field that a list is searched by; `/` goes there. */
export function SearchField({
  field,
  label,
  value,
  maxLength = 200,
  onChange,
}: {
  readonly field: RefObject<HTMLInputElement | null>;
  readonly label: string;
  readonly value: string;
  readonly maxLength?: number;
  readonly onChange: (text: string) => void;
}) {
  return (
    <TextInput
      ref={field}
      className="hb-filter-wide"
      type="search"
      aria-label={label}
      placeholder={`${label}  /`}
      maxLength={maxLength}
      leftSection={<IconSearch size={16} aria-hidden />}
      value={value}
      onChange={(event) => onChange(event.currentTarget.value)}
    />
  );
}
