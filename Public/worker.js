// Opens the page where there is no network: as it was when it was last loaded, and with nothing that anyone said.
//
// The network comes first, always: an update is there with the next load. When the page itself had to come from here, its
// other files do, too, so that no two versions meet.

const base = new URL('.', self.location);
const FILES = ['style.css', 'log.css', 'panels.css', 'icon.svg', 'manifest.webmanifest', 'start.js', 'app.js', 'actions.js',
	'changes.js', 'commands.js', 'complete.js', 'composer.js', 'connection.js', 'dom.js', 'emoji.js', 'emoji-names.txt',
	'entry.js', 'inviting.js', 'log.js', 'looks.js', 'marks.js', 'mentions.js', 'menus.js', 'notices.js', 'noticing.js', 'options.js',
	'outbox.js', 'pair.js', 'people.js', 'reading.js', 'rooms.js', 'rows.js', 'search.js', 'status.js', 'store.js', 'words.js',
	'words-de.js', 'words-fr.js'];

const cacheName = `chatloop ${base.pathname}`;
const offline = new Set(); // pages that came from here

// The page has two forms: that of the lobby, and that of every room, one level deeper.
const pageFor = (url) => new URL(url.pathname.startsWith(`${base.pathname}r/`) ? 'r/lobby' : '.', base).href;

// Keeps the page as it is now; at most once an hour, unless this worker is new.
async function keep(isNew) {
	const cache = await caches.open(cacheName);
	const stamp = new URL('kept-at', base).href;
	const before = Number(await (await cache.match(stamp))?.text());
	if (!isNew && Date.now() - before < 3_600_000) return;
	const wanted = [new URL('.', base).href, new URL('r/lobby', base).href, ...FILES.map((file) => new URL(file, base).href)];
	const answers = await Promise.all(wanted.map((url) => fetch(url, { cache: 'no-cache' })));
	if (answers.some((answer) => !answer.ok)) return; // all of one version, or none
	await Promise.all(wanted.map((url, index) => cache.put(url, answers[index])));
	await cache.put(stamp, new Response(String(Date.now())));
}

self.addEventListener('install', (event) => {
	self.skipWaiting();
	event.waitUntil(keep(true));
});
self.addEventListener('activate', (event) => event.waitUntil(self.clients.claim()));

self.addEventListener('fetch', (event) => {
	const { request, clientId, resultingClientId } = event;
	const url = new URL(request.url);
	if (request.method !== 'GET' || url.origin !== base.origin || !url.pathname.startsWith(base.pathname)) return;
	const name = url.pathname.slice(base.pathname.length);
	if (request.mode === 'navigate' && /^(r\/[^/]*)?$/.test(name)) event.respondWith(page(request, url, resultingClientId, event));
	else if (FILES.includes(name) && offline.has(clientId)) event.respondWith(kept(url.href));
});

async function page(request, url, client, event) {
	try {
		const answer = await fetch(request);
		if (answer.ok) event.waitUntil(keep().catch(() => { /* the next time */ }));
		return answer;
	} catch (error) {
		const copy = await caches.match(pageFor(url), { cacheName });
		if (!copy) throw error;
		offline.add(client);
		return copy;
	}
}

async function kept(address) {
	return await caches.match(address, { cacheName }) ?? fetch(address);
}
