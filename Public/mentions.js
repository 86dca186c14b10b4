// Whether a text calls somebody by name.
//
// `@Name` always does, and so does `Name:` or `Name,` at the beginning, in whatever case. The bare name does where it stands
// as a word of its own, with its capital letters, and is no common word: "I will do it" does not call Will.

// Words that are names, too.
const COMMON = new Set(`a all an and angel april art august bill bob buddy can chance chat chip clay daisy dawn dean do don drew
	earl eve faith frank gene gift glen grace grant guest guy hall hello hey hi hope i iris ivy jade jack jay joy june king
	lance lane lily luck mark max may me mercy miles mine more nice nick no norm ok olive one page pat pearl penny pierce
	power prince queen ray red rich rob rock rose ruby sage sandy so star storm summer sue sun sunny test thank the thanks
	trip trust user victor violet wade ward we will winter wood yes you zoom die das der ist ja nein wolf stern ernst rainer
	et le la les oui non pierre claire aimé`.split(/\s+/));

// Scripts that are written without spaces: between their letters a name may stand anywhere.
const UNSPACED = '\\p{sc=Han}\\p{sc=Hira}\\p{sc=Kana}\\p{sc=Thai}\\p{sc=Laoo}\\p{sc=Khmr}\\p{sc=Mymr}ー';
const WORD = '\\p{L}\\p{N}\\p{M}_';

const literal = (text) => text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&'); // others may not be escaped with the u flag

/** A function that finds the first place where `username` is called in a text: `{ start, end }`, or null. */
export function mentionOf(username) {
	const spellings = new Set([username, username.normalize('NFC'), username.normalize('NFD')].map(literal));
	const name = `(?:${[...spellings].join('|')})`;
	const isMarked = !/\p{Ll}/u.test(username) || /\p{Lu}|[^\p{L}\p{M}\s]/u.test(username); // no mere lower-case word
	const isBare = isMarked && !COMMON.has(username.toLowerCase())
		&& (username.length > 1 || /[^\p{L}\p{N}]/u.test(username));
	// Marks always belong to the letter before them: `Jose` is not called by a decomposed `José`, nor राम by रामा.
	const before = `(^|[^${WORD}]|[${UNSPACED}])`;
	const after = `(?!\\p{M})(?:(?=[${UNSPACED}])|(?![${WORD}]))`;
	const patterns = [
		new RegExp(`(^|[^${WORD}])(@${name})${after}`, 'iu'),
		new RegExp(`^(\\s*)(${name})(?=[:,،、，：])`, 'iu'),
		...(isBare ? [new RegExp(`${before}(${name})${after}`, 'u')] : []),
	];
	return (text) => {
		const places = patterns.map((pattern) => pattern.exec(text)).filter(Boolean)
			.map((found) => ({ start: found.index + found[1].length, end: found.index + found[0].length }));
		return places.sort((a, b) => a.start - b.start || b.end - a.end)[0] ?? null;
	};
}
