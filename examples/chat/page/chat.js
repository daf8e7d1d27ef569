// The page: it shows the room that the address names after the #, and says what is written.

import { Connection } from "./connection.js";
import { Log, avatar, element } from "./log.js";

const longestText = 1000; // characters, as the server has it
const hintEvery = 2500, hintLasts = 4000; // milliseconds
const leftAfter = 4000; // milliseconds: who is back by then has not been away

const byId = (id) => document.getElementById(id);
const log = new Log(byId("log"), byId("newest"));
const text = byId("text");

let connection = null, room = "", me = "", to = "", hinted = 0, unread = 0;
const here = new Set();
const leaving = new Map(); // user -> timer
const typing = new Map(); // user -> timer
const pending = new Map(); // id -> request that the server has not confirmed

// The rooms that this browser knows, and the one that is open.

const roomName = /^[a-z0-9-]{1,32}$/;

function knownRooms() {
	const rooms = ["lobby", "kitchen", "help"];
	try {
		rooms.push(...JSON.parse(localStorage.getItem("rooms") ?? "[]"));
	} catch {} // the browser keeps nothing, or something else
	return [...new Set([...rooms, room])].filter((name) => roomName.test(name));
}

function openRoom() {
	const name = location.hash.slice(1);
	room = roomName.test(name) ? name : "lobby";
	connection?.close();
	for (const timer of [...leaving.values(), ...typing.values()]) clearTimeout(timer);
	for (const kept of [here, leaving, typing, pending]) kept.clear();
	log.clear();
	writeTo("");
	const rooms = knownRooms();
	try {
		localStorage.setItem("rooms", JSON.stringify(rooms));
	} catch {} // then they are forgotten
	byId("room").textContent = "# " + room;
	byId("rooms").replaceChildren(...rooms.map((name) => {
		const link = element("a", "", "# " + name);
		link.href = "#" + name;
		if (name === room) link.ariaCurrent = "page";
		return element("li", "", link);
	}));
	text.placeholder = "Message to # " + room;
	showPeople();
	showTyping();
	showTitle();
	showSide(false);
	connection = new Connection(room, told, changed);
}

// What the server tells.

const events = {
	welcome(e) {
		me = e.user;
		byId("me").textContent = me;
		here.clear();
		for (const user of e.here) {
			here.add(user);
			clearTimeout(leaving.get(user));
			leaving.delete(user);
		}
		showPeople();
		if (!e.resumed) {
			if (byId("log").querySelector(".message")) log.note("Some messages may be missing here.", "gap");
			e.messages.forEach(events.message);
		}
		for (const request of pending.values()) connection.send(request); // a second time does no harm
	},
	message(e) {
		const known = log.has(e.id) && !pending.has(e.id);
		pending.delete(e.id);
		stopTyping(e.user);
		if (known) return;
		log.add(e, me);
		if (document.hidden && e.user !== me) unread++;
		showTitle();
	},
	joined(e) {
		const back = leaving.has(e.user);
		clearTimeout(leaving.get(e.user));
		leaving.delete(e.user);
		if (!here.has(e.user) && !back) log.note(e.user + " is here");
		here.add(e.user);
		showPeople();
	},
	left(e) {
		here.delete(e.user);
		stopTyping(e.user);
		showPeople();
		leaving.set(e.user, setTimeout(() => {
			leaving.delete(e.user);
			log.note(e.user + " has left");
		}, leftAfter));
	},
	typing(e) {
		clearTimeout(typing.get(e.user));
		typing.set(e.user, setTimeout(() => stopTyping(e.user), hintLasts));
		showTyping();
	},
	error(e) {
		const request = pending.get(e.id);
		pending.delete(e.id);
		if (!request) return log.note(e.text, "gap");
		log.fail(e.id, e.text);
		if (!text.value) text.value = request.text;
		showLength();
	},
};

function told(event) { events[event.type]?.(event); }

function changed(state, seconds) {
	byId("state").textContent = { live: "connected", waiting: "not connected", connecting: "connecting" }[state];
	byId("state").classList.toggle("live", state === "live");
	byId("trouble").hidden = state === "live" || (state === "connecting" && byId("trouble").hidden);
	byId("why").textContent = state === "waiting" ? `The connection was lost. Trying again in ${seconds} s.` : "Connecting again …";
	byId("retry").hidden = state !== "waiting";
}

function stopTyping(user) {
	clearTimeout(typing.get(user));
	typing.delete(user);
	showTyping();
}

// What is shown.

function showPeople() {
	byId("count").textContent = here.size || "";
	byId("people").replaceChildren(...[...here].sort((a, b) => a.localeCompare(b)).map((user) => {
		const button = element("button", "", avatar(user), element("bdi", "", user));
		button.type = "button";
		if (user === me) button.append(element("span", "soft", "you"));
		button.title = "Write to " + user + " only";
		button.ariaPressed = String(user === to);
		button.addEventListener("click", () => writeTo(user));
		return element("li", "", button);
	}));
}

function showTyping() {
	const users = [...typing.keys()];
	const names = users.length < 3 ? users.join(" and ") : "Several people";
	byId("typing").textContent = users.length ? `${names} ${users.length === 1 ? "is" : "are"} typing …` : "";
}

function showTitle() { document.title = (unread ? `(${unread}) ` : "") + "# " + room; }

function showLength() {
	const left = longestText - [...text.value.trim()].length;
	byId("left").textContent = left < 100 ? left : "";
	byId("left").classList.toggle("over", left < 0);
	byId("send").disabled = left < 0 || left === longestText;
	text.style.height = "auto";
	text.style.height = Math.min(text.scrollHeight + 2, 180) + "px";
}

function showSide(open) {
	document.body.classList.toggle("side", open);
	byId("menu").ariaExpanded = String(open);
}

// What is written.

function writeTo(user) {
	to = user;
	byId("private").hidden = !to;
	byId("to").textContent = to === me ? "you" : to;
	showPeople();
	showSide(false);
	if (to) text.focus();
}

// newID returns a UUID of version 4. crypto.randomUUID is for pages that came by https, or from this machine.
function newID() {
	if (crypto.randomUUID) return crypto.randomUUID();
	const b = crypto.getRandomValues(new Uint8Array(16));
	b[6] = b[6] & 0x0f | 0x40;
	b[8] = b[8] & 0x3f | 0x80;
	return [...b].map((n) => n.toString(16).padStart(2, "0")).join("").replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}

function say() {
	const request = { type: "say", id: newID(), text: text.value.trim(), to };
	if (!request.text || [...request.text].length > longestText || !me) return;
	pending.set(request.id, request);
	log.add({ ...request, user: me, time: Date.now(), pending: true }, me);
	connection.send(request); // else it goes with the next welcome
	text.value = "";
	hinted = 0;
	showLength();
	text.focus();
}

byId("composer").addEventListener("submit", (event) => {
	event.preventDefault();
	say();
});
text.addEventListener("input", () => {
	showLength();
	if (text.value.trim() && Date.now() - hinted > hintEvery) {
		hinted = Date.now();
		connection.send({ type: "typing", to });
	}
});
text.addEventListener("keydown", (event) => {
	if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
	event.preventDefault();
	say();
});
document.addEventListener("keydown", (event) => {
	if (event.key === "Escape") {
		if (document.body.classList.contains("side")) showSide(false);
		else writeTo("");
	} else if (event.key === "/" && !event.target.matches("input, textarea")) {
		event.preventDefault();
		text.focus();
	} else if (event.altKey && (event.key === "ArrowUp" || event.key === "ArrowDown")) {
		event.preventDefault();
		const rooms = knownRooms();
		location.hash = rooms.at((rooms.indexOf(room) + (event.key === "ArrowUp" ? -1 : 1)) % rooms.length);
	}
});
byId("enter").addEventListener("submit", (event) => {
	event.preventDefault();
	const name = byId("name").value.trim().toLowerCase().replace(/[^a-z0-9]+/g, "-").replace(/^-+|-+$/g, "");
	byId("name").value = "";
	if (name) location.hash = name;
});
byId("menu").addEventListener("click", () => showSide(!document.body.classList.contains("side")));
byId("log").addEventListener("click", () => showSide(false));
byId("public").addEventListener("click", () => {
	writeTo("");
	text.focus();
});
byId("retry").addEventListener("click", () => connection.retry());
addEventListener("online", () => connection.retry());
addEventListener("hashchange", openRoom);
document.addEventListener("visibilitychange", () => {
	if (document.hidden) return;
	unread = 0;
	showTitle();
	connection.retry();
});

openRoom();
showLength();
