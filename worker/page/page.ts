/** The page at /, until the web app takes its place: one session, by name. `nonce` is that of the Content-Security-Policy. */
export function page(nonce: string): string {
  return PAGE.replaceAll('{nonce}', nonce);
}

const PAGE = String.raw`<!doctype html>
<html lang="en">
<meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Millrace</title>
<style nonce="{nonce}">
  :root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
  body { max-width: 40rem; margin: 2rem auto; padding: 0 1rem; } form { display: flex; gap: .5rem; margin: .5rem 0; } input { flex: 1; }
  li { margin: .3rem 0; overflow-wrap: anywhere; white-space: pre-wrap; } small { opacity: .7; margin-left: .5rem; }
</style>
<h1>Millrace</h1>
<form id="enter"><input data-testid="name" id="name" placeholder="your name" required maxlength="40"> <input data-testid="session" id="session" placeholder="session id; empty for a new one" pattern="[A-Za-z0-9_\-]{1,64}">
<button data-testid="open">Open</button></form>
<p>Connection: <b data-testid="connection" id="connection">closed</b> <span data-testid="error" id="error" role="alert"></span></p>
<ol id="messages" data-testid="messages"></ol>
<form id="compose"><input data-testid="text" id="text" placeholder="message" autocomplete="off" required disabled> <button data-testid="send" id="send" disabled>Send</button></form>
<p>Open this address in a second tab, under another name, to see both talk.</p>
<script type="module" nonce="{nonce}">
const $ = (id) => document.getElementById(id), sleep = (ms) => new Promise((done) => setTimeout(done, ms));
const backoffMs = (attempt) => Math.random() * Math.min(10_000, 250 * 2 ** attempt) + 100;
const POLLS_MAX = 40, SEND_ATTEMPTS_MAX = 8, HEARTBEAT_MS = 25_000, REPORT_CHARS = 250_000;
let me, session, epoch, lastSeq = 0, run = 0, unreported = 0;
$('name').value = sessionStorage.getItem('name') ?? '';
$('session').value = location.hash.slice(1);
addEventListener('hashchange', () => { $('session').value = location.hash.slice(1); });

async function token(name) {
  const response = await fetch('/dev/token', { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ name }) });
  if (!response.ok) throw new Error((await response.json()).detail);
  return { name, ...(await response.json()) };
}
async function api(method, path, body, key, isRepeat) {
  const headers = { Authorization: 'Bearer ' + me.token, 'Content-Type': 'application/json', ...(key ? { 'Idempotency-Key': key } : {}) };
  const response = await fetch(path, { method, headers, ...(body ? { body: JSON.stringify(body) } : {}) });
  if (response.status === 401 && !isRepeat) { me = await token(me.name); return api(method, path, body, key, true); }
  if (!response.ok) throw Object.assign(new Error((await response.json()).detail), { status: response.status });
  return response.json();
}
const at = (path) => '/v1/sessions/' + session + path;

/** One line per message, in the order of seq. Text is set as text, never as markup. */
function line(seq, id) {
  let item = document.querySelector('li[data-seq="' + seq + '"]');
  if (item) return item;
  (item = document.createElement('li')).append(document.createElement('b'), ' ', document.createElement('span'), document.createElement('small'));
  Object.assign(item.dataset, { testid: 'message', seq, id, status: '' });
  $('messages').insertBefore(item, [...$('messages').children].find((each) => Number(each.dataset.seq) > seq) ?? null);
  return item;
}
function show(seq, id, author, text) {
  const item = line(seq, id);
  [item.children[0].textContent, item.children[1].textContent] = [author, text];
  return item;
}
function mark(item, status) { item.dataset.status = status; item.children[2].textContent = status === 'accepted' ? '202' : status; }
/** Asks how far a command has come until it is stored; only its sender and owners may. */
async function follow(item, commandId) {
  if (item.dataset.followed) return;
  item.dataset.followed = commandId;
  for (let poll = 0; poll < POLLS_MAX && item.isConnected; poll += 1) {
    try {
      const { status } = await api('GET', at('/commands/' + commandId));
      mark(item, status);
      if (status === 'persisted' || status === 'failed') return;
    } catch (error) { if (error.status === 404) return; }
    await sleep(Math.min(5_000, 300 * 1.3 ** poll));
  }
}
function take(event) {
  if (event.seq <= lastSeq) return;
  const { data, seq } = event;
  lastSeq = seq;
  if (event.type === 'message.created' && !data.erased) void follow(show(seq, data.id, event.actorname ?? event.actor, data.text), event.causationid);
  const changed = data.messageSeq && document.querySelector('li[data-seq="' + data.messageSeq + '"]');
  if (changed && event.type === 'message.updated') changed.children[1].textContent = data.text;
  if (changed && event.type === 'message.deleted') changed.children[1].textContent = '(deleted)';
}
/** The newest page; what happens after it comes by the socket, which starts from the head read before. */
async function load() {
  const { head, epoch: now } = await api('GET', at(''));
  const { items } = await api('GET', at('/messages?limit=50'));
  $('messages').replaceChildren();
  for (const each of items) show(each.seq, each.id, each.author.name ?? each.author.id, each.deletedAt ? '(deleted)' : each.text);
  epoch = now; lastSeq = head;
}
function connect(ticket) {
  const address = new URL(at('/socket?after=' + lastSeq + '&epoch=' + encodeURIComponent(epoch)), location.href.replace(/^http/, 'ws'));
  const socket = new WebSocket(address, ['millrace.v1', 'ticket.' + ticket]);
  const beat = setInterval(() => socket.readyState === 1 && socket.send('ping'), HEARTBEAT_MS);
  return { socket, ended: new Promise((end) => { socket.onclose = ({ code }) => { clearInterval(beat); end(code); }; }) };
}
/** Comes back with jitter and a fresh ticket, and goes on after the last event it saw. */
async function stayConnected(mine) {
  for (let attempt = 0; mine === run; attempt += 1) {
    try {
      const { socket, ended } = connect((await api('POST', at('/tickets'))).ticket);
      let gap = false;
      socket.onmessage = ({ data }) => {
        if (data === 'pong') return;
        if (mine !== run) return socket.close();
        const frame = JSON.parse(data);
        if (frame.type === 'welcome') { attempt = 0; gap = !frame.recovered; $('connection').textContent = gap ? 'catching up' : 'open'; if (gap) socket.close(); }
        if (frame.type === 'events') frame.events.forEach(take);
        unreported += data.length;
        if (unreported >= REPORT_CHARS) { unreported = 0; socket.send(JSON.stringify({ type: 'received', seq: lastSeq })); }
      };
      const code = await ended, isFinal = code === 4403 || code === 4410;
      $('connection').textContent = isFinal ? 'closed' : 'reconnecting';
      if (isFinal) return;
      if (gap) { await load(); continue; }
    } catch (error) { $('connection').textContent = 'reconnecting'; if (error.status === 404) return; }
    await sleep(backoffMs(attempt));
  }
}
$('enter').onsubmit = async (event) => {
  event.preventDefault();
  try {
    $('error').textContent = '';
    me = await token($('name').value);
    sessionStorage.setItem('name', me.name);
    session = $('session').value || (await api('POST', '/v1/sessions', { title: me.name + "'s session", visibility: 'public' }, crypto.randomUUID())).sessionId;
    location.hash = $('session').value = session;
    if (!(await api('GET', at(''))).role) await api('PUT', at('/members/' + encodeURIComponent(me.userId)), { role: 'member' });
    await load();
    $('text').disabled = $('send').disabled = false;
    void stayConnected(++run);
  } catch (error) { $('error').textContent = error.message; }
};
$('compose').onsubmit = async (event) => {
  event.preventDefault();
  const text = $('text').value, key = crypto.randomUUID();
  $('text').value = ''; $('error').textContent = '';
  for (let attempt = 0; attempt < SEND_ATTEMPTS_MAX; attempt += 1) {
    try {
      const accepted = await api('POST', at('/messages'), { text }, key);
      const item = show(accepted.seq, accepted.entityId, me.name, text);
      if (!item.dataset.status) mark(item, 'accepted');
      $('error').textContent = '';
      return void follow(item, accepted.commandId);
    } catch (error) {
      $('error').textContent = error.message;
      if (error.status && error.status < 500 && error.status !== 429) { $('text').value = text; return; }
      await sleep(backoffMs(attempt));
    }
  }
  $('text').value ||= text;
};
</script>
</html>`;
