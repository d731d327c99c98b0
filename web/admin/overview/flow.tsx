import type { CSSProperties } from 'react';
import type { ConsumerState, NamedPart, Overview, StoreState, StreamState } from '../../../client/admin/index.ts';
import { bytesOf, countOf, durationOf, percentOf, rateOf } from '../format.ts';
import { worstOf } from '../health.ts';
import type { Sample } from '../samples.ts';
import { StatusPill } from '../status-pill.tsx';
import { useNow } from '../use-now.ts';
import { ConsumerCard } from './consumer-card.tsx';

/** faster than this the water of the picture does not run */
const RATE_SHOWN_MAX = 200;

interface FlowProps {
  overview: Overview;
  samples: readonly Sample[];
  onChanged: () => void;
}

/** The way of the events, left to right: edge, JetStream, each consumer with its store. Water runs where events do. */
export function Flow({ overview, samples, onChanged }: FlowProps) {
  const { edge, uplinks, streams, consumers, stores } = overview;
  const rate = Math.max(0, ...consumers.items.map(({ ratePerS = 0 }) => ratePerS));
  return (
    <section aria-labelledby="flow" className="flow">
      <h2 id="flow" className="hidden">
        Flow
      </h2>
      <EdgeNode status={edge.status} uplinks={uplinks} />
      <Water perS={rate} />
      <StreamsNode streams={streams.items} isKnown={streams.status === 'ok'} />
      <div className="flow-branches">
        {consumers.items.map((consumer) => (
          <Branch
            key={consumer.name}
            consumer={consumer}
            store={stores.items.find(({ name }) => name === consumer.name)}
            samples={samples}
            onChanged={onChanged}
          />
        ))}
        {consumers.items.length === 0 && <p className="flow-none">Nobody answers for the consumers.</p>}
      </div>
    </section>
  );
}

/** For the eye: the rates stand in words beside it. */
function Water({ perS, isStopped = false }: { perS: number; isStopped?: boolean }) {
  const share = isStopped ? 0 : Math.min(1, Math.log1p(perS) / Math.log1p(RATE_SHOWN_MAX));
  const style = { '--flow': share.toFixed(2) } as CSSProperties;
  return <span className="water" aria-hidden="true" data-runs={share > 0 ? '' : undefined} style={style} />;
}

function EdgeNode({ status, uplinks }: { status: NamedPart['status']; uplinks: readonly NamedPart[] }) {
  const reached = uplinks.filter((uplink) => uplink.status === 'up').length;
  return (
    <div className="node">
      <h3>Edge</h3>
      <StatusPill health={status} />
      <dl>
        <div>
          <dt>Uplinks to NATS</dt>
          <dd>
            {reached} of {uplinks.length}
          </dd>
        </div>
      </dl>
    </div>
  );
}

function StreamsNode({ streams, isKnown }: { streams: readonly StreamState[]; isKnown: boolean }) {
  return (
    <div className="node" data-wide="">
      <h3>JetStream</h3>
      <StatusPill health={isKnown ? worstOf(streams.map(({ status }) => status)) : 'unknown'} />
      <ul className="streams">
        {streams.map((stream) => (
          <StreamLine key={stream.name} stream={stream} />
        ))}
      </ul>
    </div>
  );
}

function StreamLine({ stream: { name, status, messages, bytes, bytesMax } }: { stream: StreamState }) {
  return (
    <li>
      <b>{name.replace('MILLRACE_', '').toLowerCase().replaceAll('_', ' ')}</b>
      {status === 'up' ? (
        <span>
          {countOf(messages ?? 0)} · {bytesOf(bytes ?? 0)}
          {bytesMax !== undefined && ` · ${percentOf((bytes ?? 0) / bytesMax)} full`}
        </span>
      ) : (
        <StatusPill health={status} />
      )}
      {bytesMax !== undefined && (
        <meter aria-label={`${name}: how full`} min={0} max={bytesMax} high={bytesMax * 0.8} optimum={0} value={bytes ?? 0} />
      )}
    </li>
  );
}

interface BranchProps {
  consumer: ConsumerState;
  store: StoreState | undefined;
  samples: readonly Sample[];
  onChanged: () => void;
}

function Branch({ consumer, store, samples, onChanged }: BranchProps) {
  const isStopped = consumer.paused === true || consumer.status !== 'up';
  return (
    <div className="branch" data-testid={`consumer-${consumer.name}`}>
      <Water perS={consumer.ratePerS ?? 0} isStopped={isStopped} />
      <ConsumerCard consumer={consumer} canRebuild={store !== undefined} samples={samples} onChanged={onChanged} />
      {store !== undefined && (
        <>
          <Water perS={consumer.ratePerS ?? 0} isStopped={isStopped || store.status !== 'up'} />
          <StoreNode store={store} />
        </>
      )}
      {store === undefined && <p className="hidden">{rateOf(consumer.ratePerS ?? 0)}, no store of its own</p>}
    </div>
  );
}

function StoreNode({ store: { name, status, since } }: { store: StoreState }) {
  const nowMs = useNow();
  return (
    <div className="node" data-kind="store">
      <h3>Store of {name}</h3>
      <StatusPill health={status} />
      {since !== undefined && <p className="soft">for {durationOf(Math.max(0, nowMs - Date.parse(since)))}</p>}
    </div>
  );
}
