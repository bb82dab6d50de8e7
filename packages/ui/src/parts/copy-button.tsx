import { Button } from '@mantine/core';
import { IconCheck, IconCopy } from '@tabler/icons-react';
import { useState } from 'react';
import { texts } from '../texts/index.ts';

type Outcome = 'ready' | 'copied' | 'refused';

/** Copies a text; says whether the browser allowed it. */
export function CopyButton({ text }: { readonly text: string }) {
  const [outcome, setOutcome] = useState<Outcome>('ready');
  const copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(text);
      setOutcome('copied');
    } catch (error) {
      // Without HTTPS there is no clipboard at all (TypeError); with it, the reader may refuse (DOMException).
      if (!(error instanceof DOMException) && !(error instanceof TypeError)) throw error;
      setOutcome('refused');
    }
  };
  const isCopied = outcome === 'copied';
  return (
    <span className="hb-row">
      <Button
        variant="default"
        size="compact-sm"
        leftSection={isCopied ? <IconCheck size={14} /> : <IconCopy size={14} />}
        onClick={() => void copy()}
      >
        {isCopied ? texts.words.copied : texts.words.copy}
      </Button>
      <span role="status" className="hb-small hb-quiet">
        {outcome === 'refused' ? texts.words.copyFailed : ''}
      </span>
    </span>
  );
}
