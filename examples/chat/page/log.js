// Log is the list of what was said. All that users have written becomes text, never markup.

const sameHead = 5 * 60_000; // milliseconds: messages that follow one another so closely share a head
const mostShown = 1000; // entries

// element returns an element of a class, with texts and elements inside.
export function element(name, className, ...children) {
	const e = document.createElement(name);
	e.className = className;
	e.append(...children);
	return e;
}

// avatar returns the initial of a name in a colour that depends on it.
export function avatar(user) {
	const e = element("span", "avatar", [...(user.replace(/^anonymous_/, "") || user)][0].toUpperCase());
	let hash = 0;
	for (const c of user) hash = Math.imul(hash, 31) + c.codePointAt(0) >>> 0;
	e.style.setProperty("--hue", hash % 360);
	e.setAttribute("aria-hidden", "true");
	return e;
}

const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const calendar = new Intl.DateTimeFormat(undefined, { weekday: "long", day: "numeric", month: "long" });

export class Log {
	#list;
	#newest;
	#shown = new Map(); // id -> entry
	#last = null; // message
	#day = "";
	#follow = true; // the end is to stay in view

	constructor(list, newest) {
		this.#list = list;
		this.#newest = newest;
		list.addEventListener("scroll", () => {
			this.#follow = list.scrollHeight - list.scrollTop - list.clientHeight < 60;
			if (this.#follow) newest.hidden = true;
		});
		newest.addEventListener("click", () => this.toEnd());
		new ResizeObserver(() => { if (this.#follow) this.toEnd(); }).observe(list);
	}

	clear() {
		this.#list.replaceChildren();
		this.#shown.clear();
		this.#last = null;
		this.#day = "";
		this.#newest.hidden = this.#follow = true;
	}

	has(id) { return this.#shown.has(id); }

	// add shows a message of me or another. One that is shown already is one's own, on its way until now.
	add(message, me) {
		this.remove(message.id);
		const at = new Date(message.time), day = calendar.format(at), mine = message.user === me;
		if (day !== this.#day) {
			this.#append(element("li", "day", day), false);
			this.#last = null;
			this.#day = day;
		}
		const follows = this.#last?.user === message.user && (this.#last.to ?? "") === (message.to ?? "") && message.time - this.#last.time < sameHead;
		const head = element("p", "head", element("b", "", element("bdi", "", mine ? "You" : message.user)));
		if (message.to) {
			head.append(element("span", "only", " only to ", element("bdi", "", message.to === me ? (mine ? "yourself" : "you") : message.to)));
		}
		const time = element("time", "", clock.format(at));
		time.dateTime = at.toISOString();
		head.append(time);
		const text = element("p", "text", message.text);
		text.dir = "auto";
		text.title = clock.format(at);
		const entry = element("li", "message", avatar(message.user), element("div", "bubble", head, text));
		entry.classList.toggle("mine", mine);
		entry.classList.toggle("follows", follows);
		entry.classList.toggle("private", Boolean(message.to));
		entry.classList.toggle("pending", Boolean(message.pending));
		entry.dataset.id = message.id;
		this.#shown.set(message.id, entry);
		if (!message.pending) this.#last = message;
		this.#append(entry, mine);
	}

	remove(id) {
		this.#shown.get(id)?.remove();
		this.#shown.delete(id);
	}

	// fail says below a message why it was not sent.
	fail(id, why) {
		const entry = this.#shown.get(id);
		entry?.classList.replace("pending", "failed");
		entry?.querySelector(".bubble").append(element("p", "why", why));
	}

	note(text, className = "") {
		this.#append(element("li", "note " + className, text), false);
		this.#last = null;
	}

	toEnd() {
		this.#list.scrollTop = this.#list.scrollHeight;
		this.#newest.hidden = this.#follow = true;
	}

	// append keeps the end in view, unless somebody is reading further up.
	#append(entry, mine) {
		this.#list.append(entry);
		while (this.#list.children.length > mostShown) {
			this.#shown.delete(this.#list.firstElementChild.dataset.id);
			this.#list.firstElementChild.remove();
		}
		if (mine || this.#follow) this.toEnd();
		else if (entry.classList.contains("message")) this.#newest.hidden = false;
	}
}
