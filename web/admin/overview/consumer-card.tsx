import { useState } from 'react';
import type { ConsumerState } from '../../../client/admin/index.ts';
import { useOperator } from '../../../client/react/admin.ts';
import { MenuButton } from '../../ui/menu-button.tsx';
import type { MenuEntry } from '../../ui/menu.tsx';
import { Confirm } from '../../ui/modal.tsx';
import { fullTimeOf } from '../../ui/times.ts';
import { countOf, durationOf, rateOf } from '../format.ts';
import { healthOfConsumer } from '../health.ts';
import { Progress } from '../progress.tsx';
import { lineOf, type Sample } from '../samples.ts';
import { StatusPill } from '../status-pill.tsx';
import { useAction } from '../use-action.ts';
import { Sparkline } from './sparkline.tsx';

interface ConsumerCardProps {
  consumer: ConsumerState;
  /** it keeps something */
  canRebuild: boolean;
  samples: readonly Sample[];
  onChanged: () => void;
}

/** How one consumer is, and what can be done with it. */
export function ConsumerCard({ consumer, canRebuild, samples, onChanged }: ConsumerCardProps) {
  const operator = useOperator();
  const { run } = useAction(onChanged);
  const [asks, setAsks] = useState<'pause' | 'rebuild'>();
  const { name, paused, pausedUntil, rebuild } = consumer;
  const entries: MenuEntry[] = [
    paused === true
      ? { icon: 'send', label: 'Resume', onSelect: () => run(`${name} was not resumed`, () => operator.resume(name)) }
      : { icon: 'stop', label: 'Pause…', onSelect: () => setAsks('pause') },
    ...(canRebuild ? [{ icon: 'retry' as const, label: 'Rebuild…', onSelect: () => setAsks('rebuild') }] : []),
  ];
  return (
    <div className="node" data-kind="consumer">
      <div className="node-head">
        <h3>{name}</h3>
        <StatusPill health={healthOfConsumer(consumer)} />
        <MenuButton label={`What to do with ${name}`} entries={entries} />
      </div>
      <Figures consumer={consumer} />
      <Sparkline values={lineOf(samples, 'lag', name)} label={`Lag of ${name} since this page was opened`} />
      {paused === true && pausedUntil !== undefined && <p className="soft">until {fullTimeOf(pausedUntil)}</p>}
      {rebuild !== undefined && <Progress rebuild={rebuild} />}
      <Confirm
        title={`Pause ${name}?`}
        text="It is given nothing more until it is resumed; events wait in the stream. It ends by itself after 7 days at most."
        action="Pause"
        open={asks === 'pause'}
        onClose={() => setAsks(undefined)}
        onConfirm={() => run(`${name} was not paused`, () => operator.pause(name))}
      />
      <Confirm
        title={`Rebuild ${name}?`}
        text="It is made anew from the archive and the stream. The one that is there serves until the new one is ready."
        action="Rebuild"
        open={asks === 'rebuild'}
        onClose={() => setAsks(undefined)}
        onConfirm={() => run(`${name} is not rebuilt`, () => operator.rebuild(name))}
      />
    </div>
  );
}

function Figures({ consumer: { lag, ackPending, redelivered, oldestAgeMs, ratePerS, workers } }: { consumer: ConsumerState }) {
  const figures: [string, string | undefined][] = [
    ['Rate', ratePerS === undefined ? undefined : rateOf(ratePerS)],
    ['Waiting', lag === undefined ? undefined : countOf(lag)],
    ['In hand', ackPending === undefined ? undefined : countOf(ackPending)],
    ['Oldest', oldestAgeMs === undefined ? undefined : durationOf(oldestAgeMs)],
    ['Redelivered', redelivered === undefined || redelivered === 0 ? undefined : countOf(redelivered)],
    ['Workers', workers === undefined ? undefined : countOf(workers)],
  ];
  return (
    <dl>
      {figures.flatMap(([label, value]) =>
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
  );
}
