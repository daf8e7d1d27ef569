const $ = (selector, from = document) => from.querySelector(selector);
const output = $("#output");

// api sends JSON and returns JSON. An error becomes an Error that holds the problem document.
async function api(method, path, body) {
	const response = await fetch("/api" + path, {
		method,
		headers: body ? { "Content-Type": "application/json" } : {},
		body: body && JSON.stringify(body),
	});
	const text = await response.text();
	const answer = text ? JSON.parse(text) : null;
	if (!response.ok) {
		throw Object.assign(new Error(answer.detail ?? answer.title), { answer });
	}
	return answer;
}

function show(todos) {
	$("#todos").replaceChildren(...todos.map((todo) => {
		const row = $("#row").content.firstElementChild.cloneNode(true);
		row.dataset.id = todo.id;
		row.classList.toggle("done", todo.done);
		$("input", row).checked = todo.done;
		$("span", row).textContent = todo.title;
		return row;
	}));
	const open = todos.filter((todo) => !todo.done).length;
	$("#count").textContent = `${open} open, ${todos.length - open} done`;
}

// act does one thing and shows the list as it is then.
async function act(thing) {
	let failed;
	try {
		await thing();
	} catch (error) {
		failed = error;
	}
	$("#error").hidden = !failed;
	$("#error").textContent = failed ? failed.message.replace(/^\/(\w+)/, "The $1") + "." : "";
	show(await api("GET", "/todos"));
}

$("#add").addEventListener("submit", (event) => {
	event.preventDefault();
	const input = $("input", event.target);
	act(async () => {
		await api("POST", "/todos", { title: input.value });
		input.value = "";
	});
});

$("#todos").addEventListener("click", (event) => {
	const path = "/todos/" + event.target.closest("li")?.dataset.id;
	if (event.target.matches("input")) {
		act(() => api("PATCH", path, { done: event.target.checked }));
	} else if (event.target.matches(".remove")) {
		act(() => api("DELETE", path));
	}
});

// The countdown is read as it comes. To stop reading is all it takes to end the handler.
let leaving;
$("#countdown").addEventListener("click", async () => {
	leaving?.abort();
	leaving = new AbortController();
	const { signal } = leaving;
	$("#stop").disabled = false;
	output.textContent = "GET /countdown\n";
	try {
		const response = await fetch("/countdown", { signal });
		const lines = response.body.pipeThrough(new TextDecoderStream()).getReader();
		for (let piece; !(piece = await lines.read()).done;) {
			output.textContent += piece.value;
		}
	} catch {
		output.textContent += "(gone)\n";
	}
	if (leaving.signal === signal) $("#stop").disabled = true;
});
$("#stop").addEventListener("click", () => leaving?.abort());

$("#panic").addEventListener("click", async () => {
	const response = await fetch("/panic");
	output.textContent = `GET /panic\n${response.status} ${await response.text()}\n`;
	const alive = await fetch("/api/todos");
	output.textContent += `GET /api/todos\n${alive.status}, so the server is well. Its log has request ${response.headers.get("X-Request-Id")}.`;
});

$("#invalid").addEventListener("click", async () => {
	try {
		await api("POST", "/todos", { title: "" });
	} catch (error) {
		output.textContent = `POST /api/todos {"title":""}\n${JSON.stringify(error.answer, null, 2)}`;
	}
});

act(() => {});
