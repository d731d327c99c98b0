import { createRoot } from 'react-dom/client';
import { App } from './app.tsx';

const root = document.getElementById('root');
if (root === null) throw new Error('The shell has no place for the pages.');
createRoot(root).render(<App />);
