// What the page can do before its modules are there, in words that every browser understands: a name that is entered at
// once counts, and a page that cannot start says so.

(function () {
	var entry = document.getElementById('entry');
	var started = false;

	// The looks that were chosen hold from the first moment on.
	try {
		var scope = 'chatloop ' + new URL('.', document.currentScript.src).pathname + ' ';
		var theme = JSON.parse(localStorage.getItem(scope + 'theme'));
		if (theme === 'light' || theme === 'dark') document.documentElement.setAttribute('data-theme', theme);
	} catch (_) { /* nothing is kept */ }

	function early(event) {
		event.preventDefault();
		entry.setAttribute('data-wanted', '');
	}

	function failed(event) {
		// A file of the page that did not come, or one that this browser cannot read.
		if (started || (event.target !== window && event.target.tagName !== 'SCRIPT')) return;
		document.getElementById('usernameError').textContent = 'This page could not start. It needs Safari 15.4, Chrome 100, '
			+ 'Firefox 102 or anything newer. ' + (event.message || '');
		entry.className = '';
	}

	entry.addEventListener('submit', early);
	window.addEventListener('error', failed, true);
	entry.addEventListener('started', function () {
		started = true;
		entry.removeEventListener('submit', early);
		window.removeEventListener('error', failed, true);
	});
	if (!('noModule' in HTMLScriptElement.prototype)) failed({ target: window });
}());
