import { useState } from 'react';
import type { DeadLetter, DeadLetterDetail } from '../../../client/admin/index.ts';
import { usePoll } from '../../../client/react/admin.ts';
import { Confirm, Modal } from '../../ui/modal.tsx';
import { fullTimeOf } from '../../ui/times.ts';
import { Fresh } from '../fresh.tsx';
import { bytesOf } from '../format.ts';

const EVERY_MS = 30_000;

interface LetterDialogProps {
  id: string;
  isBusy: boolean;
  onClose: () => void;
  onRedrive: (letter: DeadLetter) => void;
  onDiscard: (letter: DeadLetter) => void;
}

/** All that is known of one dead letter; what it carries is shown as text, whatever it is. */
export function LetterDialog({ id, isBusy, onClose, onRedrive, onDiscard }: LetterDialogProps) {
  const polled = usePoll(`letter ${id}`, EVERY_MS, async (operator, signal) => await operator.deadLetter(id, signal));
  const [asks, setAsks] = useState(false);
  const { value: letter } = polled;
  return (
    <>
      <Modal title="Dead letter" open={!asks} onClose={onClose}>
        <Fresh polled={polled} />
        {letter !== undefined && <Inside letter={letter} />}
        <div className="dialog-actions">
          <button type="button" className="button" onClick={onClose}>
            Close
          </button>
          <button type="button" className="button" disabled={isBusy || letter === undefined} onClick={() => setAsks(true)}>
            Discard…
          </button>
          <button
            type="button"
            className="button"
            data-kind="primary"
            disabled={isBusy || letter === undefined}
            onClick={() => letter !== undefined && onRedrive(letter)}
          >
            Redrive
          </button>
        </div>
      </Modal>
      <Confirm
        title="Discard this letter?"
        text="Its event stays out of this read model for good. A line of the log remains; the letter does not."
        action="Discard"
        open={asks}
        onClose={() => setAsks(false)}
        onConfirm={() => letter !== undefined && onDiscard(letter)}
      />
    </>
  );
}

function Inside({ letter }: { letter: DeadLetterDetail }) {
  const facts: [string, string | undefined][] = [
    ['Consumer', letter.consumer],
    ['Reason', letter.reason],
    ['Error', letter.error],
    ['Tries', String(letter.attempts)],
    ['First failed', fullTimeOf(letter.firstFailedAt)],
    ['Session', letter.sessionId],
    ['Seq', letter.seq === undefined ? undefined : String(letter.seq)],
    ['Event', letter.eventId],
    ['Command', letter.commandId],
    ['Correlation id', letter.correlationId],
    ['Subject', letter.subject],
  ];
  return (
    <div className="letter-inside">
      <dl>
        {facts.flatMap(([label, value]) =>
          value === undefined
            ? []
            : [
                <div key={label}>
                  <dt>{label}</dt>
                  <dd>{value}</dd>
                </div>,
              ],
        )}
      </dl>
      <h3>
        Payload <span className="soft">{bytesOf(letter.bytes)}</span>
      </h3>
      <pre tabIndex={0}>
        {pretty(letter.payload)}
        {letter.payload.cut === true && '\n… (cut)'}
      </pre>
      <h3>Headers</h3>
      <pre tabIndex={0}>
        {letter.headers.map(({ name, value }) => `${name}: ${value}`).join('\n')}
        {letter.headersCut === true && '\n… (cut)'}
      </pre>
    </div>
  );
}

function pretty({ encoding, data, cut }: DeadLetterDetail['payload']): string {
  if (encoding === 'base64' || cut === true) return data;
  try {
    return JSON.stringify(JSON.parse(data), null, 2);
  } catch {
    return data;
  }
}
