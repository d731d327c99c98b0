import { useEffect } from 'react';
import { useStored } from '../stored.ts';

export type Theme = 'light' | 'dark' | 'system';

/** Light, dark, or as the system has it: the same in all tabs, and remembered. */
export function useTheme(): [Theme, (theme: Theme) => void] {
  const [stored, store] = useStored('theme');
  const theme: Theme = stored === 'light' || stored === 'dark' ? stored : 'system';
  useEffect(() => {
    if (theme === 'system') delete document.documentElement.dataset['theme'];
    else document.documentElement.dataset['theme'] = theme;
  }, [theme]);
  return [theme, (next) => store(next === 'system' ? null : next)];
}
