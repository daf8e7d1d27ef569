"use strict";

const kept = 300; // samples: five minutes
const byId = (id) => document.getElementById(id);
const color = (name) => {
	// A canvas does not know light-dark(): an element does.
	const probe = document.body.appendChild(document.createElement("i"));
	probe.style.color = `var(${name})`;
	const found = getComputedStyle(probe).color;
	probe.remove();
	return found;
};

const times = [], cpu = [], memory = [];

function chart(id, stroke) {
	const axis = { stroke: color("--soft"), grid: { stroke: color("--line"), width: 1 }, ticks: { show: false }, font: "12px system-ui" };
	const box = byId(id);
	const plot = new uPlot({
		width: box.clientWidth, height: 200, cursor: { y: false },
		scales: { y: { range: [0, 100] } },
		axes: [{ ...axis, size: 28, space: 90, values: "{HH}:{mm}:{ss}" }, { ...axis, size: 36 }],
		series: [{}, { stroke, width: 2, fill: stroke.replace("rgb(", "rgba(").replace(")", ", 0.14)"), points: { show: false } }],
	}, [[], []], box);
	new ResizeObserver(() => plot.setSize({ width: box.clientWidth, height: 200 })).observe(box);
	return plot;
}

const cpuChart = chart("cpu-chart", color("--cpu"));
const memoryChart = chart("memory-chart", color("--memory"));

const percent = (n) => n.toFixed(n < 10 ? 1 : 0) + " %";

function bytes(n) {
	const units = ["B", "KiB", "MiB", "GiB", "TiB"];
	let i = 0;
	for (; n >= 1024 && i < units.length - 1; i++) n /= 1024;
	return n.toFixed(i > 0 && n < 100 ? 1 : 0) + " " + units[i];
}

function duration(seconds) {
	const days = Math.floor(seconds / 86400), hours = Math.floor(seconds / 3600) % 24, minutes = Math.floor(seconds / 60) % 60;
	if (days > 0) return `${days} d ${hours} h`;
	if (hours > 0) return `${hours} h ${minutes} min`;
	return `${minutes} min ${Math.floor(seconds) % 60} s`;
}

function add(sample) {
	times.push(sample.time / 1000);
	cpu.push(sample.cpu);
	memory.push(100 * sample.memory.used / sample.memory.total);
	for (const series of [times, cpu, memory]) {
		if (series.length > kept) series.shift();
	}
}

function element(name, ...children) {
	const e = document.createElement(name);
	e.append(...children);
	return e;
}

function show(sample) {
	byId("source").hidden = sample.source === "machine";
	byId("cpu").textContent = percent(sample.cpu);
	byId("load").textContent = sample.load ? "load " + sample.load.map((n) => n.toFixed(2)).join("  ") : "";
	byId("memory").textContent = bytes(sample.memory.used);
	byId("total").textContent = "of " + bytes(sample.memory.total);
	byId("processes").textContent = sample.processes;
	byId("busiest").textContent = sample.top.length ? "busiest: " + sample.top[0].name : "";
	byId("uptime").textContent = duration(sample.uptime);
	byId("since").textContent = "since " + new Date(sample.time - sample.uptime * 1000).toLocaleString();
	byId("cores").replaceChildren(...(sample.cores || []).map((n, i) => {
		const meter = element("meter");
		meter.max = 100;
		meter.value = n;
		return element("li", element("span", "core " + i), meter, element("span", percent(n)));
	}));
	byId("top").replaceChildren(...sample.top.map((p) => element("tr",
		...[p.name, p.pid, percent(p.cpu), bytes(p.memory)].map((text) => element("td", String(text))))));
	cpuChart.setData([times, cpu]);
	memoryChart.setData([times, memory]);
}

function state(text, live) {
	byId("state").textContent = text;
	byId("state").classList.toggle("live", live);
}

// The history says up to where it goes. The stream goes on from there, also when the connection was lost.
async function start() {
	const history = await (await fetch("history")).json();
	for (const series of [times, cpu, memory]) series.length = 0;
	history.samples.forEach(add);
	if (history.samples.length) show(history.samples.at(-1));

	const source = new EventSource("samples?lastEventId=" + encodeURIComponent(history.position));
	source.onopen = () => state("live", true);
	source.onerror = () => {
		state("reconnecting", false);
		if (source.readyState === EventSource.CLOSED) again(source);
	};
	source.onmessage = (event) => {
		const sample = JSON.parse(event.data);
		add(sample);
		show(sample);
	};
	source.addEventListener("unrecoverable", () => again(source)); // the server has started anew, say
}

function again(source) {
	source.close();
	setTimeout(() => start().catch(() => again(source)), 1000);
}

start().catch((error) => {
	state(String(error), false);
});
