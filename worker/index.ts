import { createApp } from './routes/app.ts';

export { Inbox } from './inbox/inbox.ts';
export { Session } from './session/session.ts';
export { Uplink } from './uplink/uplink.ts';

export default createApp();
