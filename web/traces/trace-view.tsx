import { useEffect, useMemo, useState } from 'react';
import type { ClientTrace } from '../../client/index.ts';
import { nameOf } from '../ui/avatar.tsx';
import { fullTimeOf } from '../ui/times.ts';
import { ALL, barsOf, durationOf, fits, shownOf, statusOf, type Bar, type SpanFilter } from './waterfall.ts';

/** while something runs, its bar grows this often */
const TICK_MS = 500;

/** `failure`: why its spans could not be read, as far as it goes */
export function TraceView({ trace, failure }: { trace: ClientTrace; failure: string | undefined }) {
  const [filter, setFilter] = useState(ALL);
  const [openId, setOpenId] = useState<string>();
  const nowMs = useNow(trace.spans.some(({ endedAt }) => endedAt === undefined) && trace.status === 'running');
  const bars = useMemo(() => barsOf(trace.spans, nowMs), [trace.spans, nowMs]);
  const shown = bars.filter(({ span }) => fits(span, filter));
  const open = bars.find(({ span }) => span.spanId === openId);
  return (
    <div className="trace" data-testid="trace-view">
      <header className="trace-head">
        <h2>{trace.name}</h2>
        <span className="status" data-status={trace.status}>
          {trace.status}
        </span>
        <p className="soft">
          {nameOf(trace.author)}, {fullTimeOf(trace.startedAt)}
          {trace.durationMs !== undefined && `, ${durationOf(trace.durationMs)}`}
        </p>
        {trace.error !== undefined && (
          <p className="error" role="alert">
            {trace.error}
          </p>
        )}
        {failure !== undefined && (
          <p className="error" role="alert">
            Not all of its spans are here: {failure}
          </p>
        )}
      </header>
      <Filters bars={bars} filter={filter} onChange={setFilter} />
      <p className="hidden" role="status">
        {shown.length} of {bars.length} spans shown
      </p>
      <ul className="waterfall" aria-label="Spans">
        {shown.map((bar) => (
          <Line key={bar.span.spanId} bar={bar} isOpen={bar.span.spanId === openId} onOpen={setOpenId} />
        ))}
      </ul>
      {shown.length === 0 && failure === undefined && (
        <p className="list-note">{bars.length === 0 ? 'No spans yet.' : 'No span fits.'}</p>
      )}
      {open !== undefined && <Details bar={open} />}
    </div>
  );
}

function useNow(ticks: boolean): number {
  const [nowMs, setNowMs] = useState(() => Date.now());
  useEffect(() => {
    if (!ticks) return;
    const timer = setInterval(() => setNowMs(Date.now()), TICK_MS);
    return () => clearInterval(timer);
  }, [ticks]);
  return nowMs;
}

function Filters({
  bars,
  filter,
  onChange,
}: {
  bars: readonly Bar[];
  filter: SpanFilter;
  onChange: (filter: SpanFilter) => void;
}) {
  const kinds = [...new Set(bars.map(({ span }) => span.kind ?? 'other'))];
  const statuses = [...new Set(bars.map(({ span }) => statusOf(span)))];
  return (
    <div className="filters" role="search" aria-label="Spans">
      <input
        className="input"
        type="search"
        placeholder="Filter by name, input or output"
        aria-label="Filter spans"
        value={filter.text}
        onChange={(event) => onChange({ ...filter, text: event.target.value })}
      />
      <Choice label="Kind" values={kinds} value={filter.kind} onChange={(kind) => onChange({ ...filter, kind })} />
      <Choice label="Status" values={statuses} value={filter.status} onChange={(status) => onChange({ ...filter, status })} />
    </div>
  );
}

interface ChoiceProps {
  label: string;
  values: readonly string[];
  value: string;
  onChange: (value: string) => void;
}

function Choice({ label, values, value, onChange }: ChoiceProps) {
  return (
    <select className="input" aria-label={label} value={value} onChange={(event) => onChange(event.target.value)}>
      <option value="">{label}: all</option>
      {values.map((each) => (
        <option key={each}>{each}</option>
      ))}
    </select>
  );
}

function Line({ bar, isOpen, onOpen }: { bar: Bar; isOpen: boolean; onOpen: (spanId: string | undefined) => void }) {
  const { span, depth, left, width, durationMs, isRunning } = bar;
  return (
    <li>
      <button
        type="button"
        className="span"
        data-testid="span"
        data-kind={span.kind}
        data-status={statusOf(span)}
        data-running={isRunning}
        aria-expanded={isOpen}
        onClick={() => onOpen(isOpen ? undefined : span.spanId)}
      >
        <span className="span-name" style={{ paddingLeft: depth * 14 }}>
          <i className="span-dot" />
          {span.name}
        </span>
        <span className="span-track" aria-hidden="true">
          <span className="span-bar" style={{ left: `${left * 100}%`, width: `${width * 100}%` }} />
        </span>
        <span className="span-time">{isRunning ? 'running' : durationOf(durationMs)}</span>
      </button>
    </li>
  );
}

function Details({ bar: { span, durationMs, isRunning } }: { bar: Bar }) {
  return (
    <section className="span-details" aria-label={`Span ${span.name}`} data-testid="span-details">
      <h3>{span.name}</h3>
      <p className="soft">
        {span.kind}, {statusOf(span)}, {isRunning ? 'still running' : durationOf(durationMs)}, from {fullTimeOf(span.startedAt)}
      </p>
      <Value title="Input" value={span.input} />
      <Value title="Output" value={span.output} />
      {Object.keys(span.metadata ?? {}).length > 0 && <Value title="Metadata" value={span.metadata} />}
    </section>
  );
}

function Value({ title, value }: { title: string; value: unknown }) {
  if (value === undefined) return null;
  return (
    <>
      <h4>{title}</h4>
      <pre tabIndex={0} aria-label={title}>
        {shownOf(value)}
      </pre>
    </>
  );
}
