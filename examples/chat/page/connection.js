// Connection keeps a page in a room: when the connection is lost it comes back, after pauses that grow, with the position of the last
// message that it has got.

const firstPause = 500, longestPause = 15_000, patience = 10_000; // milliseconds

export class Connection {
	#room;
	#told;
	#changed;
	#socket = null;
	#position = "";
	#tries = 0;
	#timer = 0;
	#closed = false;

	// told gets each event of the server. changed gets "connecting", "live" or "waiting", and for the last the seconds that it still takes.
	constructor(room, told, changed) {
		this.#room = room;
		this.#told = told;
		this.#changed = changed;
		this.#open();
	}

	// send sends a request, and reports whether there was somebody to send it to. Whether it was heard is another matter.
	send(request) {
		if (this.#socket?.readyState !== WebSocket.OPEN) return false;
		this.#socket.send(JSON.stringify(request));
		return true;
	}

	// retry ends the pause.
	retry() {
		if (this.#closed || this.#socket) return;
		this.#tries = 0;
		this.#open();
	}

	close() {
		this.#closed = true;
		clearTimeout(this.#timer);
		this.#socket?.close();
	}

	#open() {
		clearTimeout(this.#timer);
		this.#changed("connecting");
		const url = new URL("rooms/" + this.#room, location.href);
		url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
		url.hash = "";
		url.search = this.#position && "?since=" + encodeURIComponent(this.#position);
		const socket = this.#socket = new WebSocket(url);
		const late = setTimeout(() => this.#lost(socket), patience);
		socket.onmessage = ({ data }) => {
			if (socket === this.#socket && !this.#closed) this.#take(JSON.parse(data), late);
		};
		socket.onclose = () => {
			clearTimeout(late);
			this.#lost(socket);
		};
	}

	#take(event, late) {
		if (event.type === "welcome") {
			clearTimeout(late);
			this.#tries = 0;
			this.#position = event.position;
		}
		if (event.type === "missed") { // what is missing can be had by coming back
			this.#lost(this.#socket);
			return;
		}
		if (event.position) this.#position = event.position;
		this.#told(event);
		if (event.type === "welcome") this.#changed("live");
	}

	// lost begins a pause, and another try after it.
	#lost(socket) {
		if (socket !== this.#socket) return;
		socket.close();
		this.#socket = null;
		if (this.#closed) return;
		const pause = Math.min(longestPause, firstPause * 2 ** this.#tries++) * (0.75 + Math.random() / 2);
		const end = Date.now() + pause;
		const wait = () => {
			const left = end - Date.now();
			if (left <= 0) return this.#open();
			this.#changed("waiting", Math.ceil(left / 1000));
			this.#timer = setTimeout(wait, Math.min(left, 1000));
		};
		wait();
	}
}
