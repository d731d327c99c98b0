import { Component, type ErrorInfo, type ReactNode } from 'react';
import { Notice } from '../ui/notice.tsx';

/**
 * A part of the page that fails takes nothing else with it, be it that a new version took the place of the files that it wanted to load.
 * What was written is kept: drafts and waiting messages are stored.
 */
export class ErrorBoundary extends Component<{ children: ReactNode }, { error: Error | undefined }> {
  override state: { error: Error | undefined } = { error: undefined };

  static getDerivedStateFromError(error: Error): { error: Error } {
    return { error };
  }

  override componentDidCatch(error: Error, info: ErrorInfo): void {
    console.error(error, info.componentStack);
  }

  override render(): ReactNode {
    const { error } = this.state;
    if (error === undefined) return this.props.children;
    return (
      <Notice title="Something here went wrong">
        <p role="alert">{error.message}</p>
        <button type="button" className="button" onClick={() => location.reload()}>
          Load the page again
        </button>
      </Notice>
    );
  }
}
