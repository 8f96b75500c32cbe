// The sandbox's page: shows what /state says, tells the server what people do. No state of its own but which chats are
// open and what is typed. What the bot wrote is built from a list of allowed tags, never put in as HTML.
"use strict";

const $ = id => document.getElementById(id);
const colors = ["#e17076", "#7bc862", "#65aadd", "#ee7aae", "#6ec9cb", "#faa774", "#a695e7"];
const delays = [[0, "at once"], [100, "0.1 s"], [1000, "1 s"], [5000, "5 s"], [20000, "20 s"]];
const allowed = new Set(["B", "STRONG", "I", "EM", "U", "INS", "S", "STRIKE", "DEL", "CODE", "PRE", "BLOCKQUOTE", "A"]);
const gigabyte = 2 ** 30;
const open = new Set();       // chats on the screen
const chats = new Map();      // chat id → its element
let shift_ms = 0, known = 0;  // the server's clock against ours; how many people there were

// --- talking to the server ---

async function ask(path, body) {
	const answer = await fetch(path, body ? { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) } : {});
	if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
	return answer.json();
}

async function follow() {
	let tag = "";
	for (;;) {
		try {
			const news = await ask(`/state?since=${tag}`);
			tag = news.tag;
			shift_ms = news.now_ms - Date.now();
			draw(news.state);
			$("state").textContent = "";
			document.body.dataset.tag = tag;
		} catch (error) {
			$("state").textContent = "The sandbox has ended.";
			await new Promise(done => setTimeout(done, 1000));
		}
	}
}

// --- small pieces ---

function make(tag, properties, ...children) {
	const element = Object.assign(document.createElement(tag), properties);
	element.append(...children);
	return element;
}

function bytes(n) {
	return n >= gigabyte ? `${Number((n / gigabyte).toFixed(1))} GB` : n >= 2 ** 20 ? `${Math.round(n / 2 ** 20)} MB` : n ? `${Math.round(n / 1024)} KB` : "0";
}

function hour(ms) {
	return new Date(ms).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
}

function toast(chat, text) {
	const element = chats.get(chat).querySelector(".toast");
	element.textContent = text;
	element.hidden = false;
	clearTimeout(element.timer);
	element.timer = setTimeout(() => { element.hidden = true; }, 3000);
}

function copy(chat, text) {
	navigator.clipboard?.writeText(text).catch(() => {});
	toast(chat, "Copied");
}

// Telegram's HTML as nodes: allowed tags only, links only to http(s) and tg.
function formatted(chat, source, into) {
	for (const node of source.childNodes) {
		if (node.nodeType === Node.TEXT_NODE) {
			into.append(node.data);
		} else if (node.nodeType === Node.ELEMENT_NODE && allowed.has(node.tagName)) {
			const element = make(node.tagName.toLowerCase());
			if (node.tagName === "A" && /^(https?|tg):/.test(node.getAttribute("href") ?? ""))
				Object.assign(element, { href: node.getAttribute("href"), target: "_blank", rel: "noreferrer" });
			if (node.tagName === "CODE")
				element.onclick = () => copy(chat, element.textContent);
			formatted(chat, node, element);
			into.append(element);
		} else {
			formatted(chat, node, into);
		}
	}
}

function confirmed(title, price, text, action) {
	const dialog = $("dialog");
	return new Promise(done => {
		const button = make("button", { className: "main", textContent: action, onclick: () => dialog.close("yes") });
		dialog.replaceChildren(make("h2", { textContent: title }), make("p", { className: "price", textContent: price }), make("p", { textContent: text }),
			make("div", {}, make("button", { textContent: action ? "Cancel" : "Close", onclick: () => dialog.close("no") }), ...(action ? [button] : [])));
		dialog.onclose = () => done(dialog.returnValue === "yes");
		dialog.returnValue = "";
		dialog.showModal();
	});
}

// --- what a tap does ---

async function tap(chat, message, button, element) {
	element.classList.add("waits");
	try {
		await ask("/tap", { chat, message, data: button.data });
		const answer = await Promise.race([ask(`/toast?chat=${chat}`), new Promise(done => setTimeout(done, 10000, { text: "" }))]);
		if (answer.text) toast(chat, answer.text);
	} finally {
		element.classList.remove("waits");
	}
}

async function pay(chat, message) {
	const i = message.invoice;
	if (!await confirmed(i.title, `⭐ ${i.stars}`, i.text, "Confirm and pay")) return;
	const { number } = await ask("/pay", { chat, message: message.id });
	const end = await ask(`/checkout?number=${number}`);
	toast(chat, end.paid ? `Paid: ⭐ ${i.stars}` : end.refusal || "The payment was not taken.");
}

async function follow_link(chat, url) {
	let invoice;
	try {
		invoice = await ask("/crypto", { url });
	} catch {
		await confirmed("A link leaves the sandbox", "", url, "");
		return;
	}
	const price = `${invoice.amount} ${invoice.currency}`;
	if (invoice.status !== "active") {
		await confirmed("Crypto Pay", price, `This invoice is ${invoice.status}.`, "");
	} else if (await confirmed("Crypto Pay (sandbox)", price, invoice.description, "Pay")) {
		await ask("/crypto", { url, confirm: true });
		toast(chat, `Paid: ${price}. The shop looks every half minute.`);
	}
}

function press(chat, message, button, element) {
	if (button.pay) return pay(chat, message);
	if (button.url) return follow_link(chat, button.url);
	if (button.copy) return copy(chat, button.copy);
	return tap(chat, message.id, button, element);
}

// --- a chat ---

function keyboard(chat, message) {
	const rows = make("div", { className: "keyboard" });
	for (const b of message.buttons) {
		while (rows.children.length <= b.row) rows.append(make("div"));
		const kind = b.pay ? "pay" : b.url ? "url" : b.copy ? "copy" : "";
		const label = b.pay ? `${b.text} ⭐ ${message.invoice?.stars ?? ""}` : b.text;
		const element = make("button", { textContent: label, className: kind, title: b.url ?? b.copy ?? "" });
		element.onclick = () => press(chat, message, b, element);
		rows.children[b.row].append(element);
	}
	return rows;
}

function bubble(chat, m) {
	const element = make("div", { className: "bubble" });
	if (m.photo) element.append(make("img", { src: `/picture?chat=${chat}&message=${m.id}`, alt: "QR code" }));
	if (m.file) element.append(make("code", { textContent: `📄 ${m.file}` }), "\n");
	if (m.invoice) element.append(make("span", { className: "invoice", textContent: m.invoice.title }), m.invoice.text);
	if (m.html !== undefined) formatted(chat, new DOMParser().parseFromString(m.html, "text/html").body, element);
	else element.append(m.text);
	element.append(make("time", { textContent: `${m.edits ? "edited " : ""}${hour(m.sent_ms)}` }));
	return element;
}

// Only what differs is built anew, so that a button keeps its focus and a picture does not flicker.
function draw_messages(chat, list, box) {
	const before = new Map([...box.children].map(child => [child.dataset.id, child]));
	for (const m of list) {
		const looks = JSON.stringify(m), old = before.get(String(m.id));
		before.delete(String(m.id));
		if (old?.looks === looks) continue;
		const element = make("div", { className: m.bot ? "message" : "message mine" }, bubble(chat, m));
		if (m.buttons.length) element.append(keyboard(chat, m));
		element.dataset.id = m.id;
		element.looks = looks;
		if (old) old.replaceWith(element);
		else box.append(element);
	}
	for (const gone of before.values()) gone.remove();
	to_end(box);
}

// Whoever is at the end of a chat stays there, when something comes or the chat changes its size.
function to_end(box) {
	if (box.reads_above) return;
	box.end = box.scrollHeight;
	box.scrollTop = box.end;
}

function draw_menu(person, menu) {
	menu.replaceChildren(...person.commands.map(c => make("button", {
		onclick: () => { menu.hidden = true; ask("/say", { chat: person.chat, text: `/${c.command}` }); },
	}, make("b", { textContent: `/${c.command}` }), c.description)));
}

function new_chat(person) {
	const element = $("chat-template").content.firstElementChild.cloneNode(true);
	const form = element.querySelector("form"), menu = element.querySelector(".menu"), field = form.text, box = element.querySelector(".messages");
	element.dataset.chat = person.chat;
	element.querySelector("strong").textContent = person.name;
	element.querySelector("small").textContent = person.admin ? "admin" : "customer";
	Object.assign(element.querySelector(".avatar"), { textContent: person.name[0] }).style.background = colors[person.chat % colors.length];
	element.querySelector(".menu-button").onclick = () => { menu.hidden = !menu.hidden; };
	field.onkeydown = event => {
		if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
		event.preventDefault();
		form.requestSubmit();
	};
	form.onsubmit = event => {
		event.preventDefault();
		if (field.value.trim()) ask("/say", { chat: person.chat, text: field.value });
		field.value = "";
	};
	// Against the end as it was when we went there: our own scrolling is heard late, when a picture may have come meanwhile.
	box.addEventListener("scroll", () => { box.reads_above = (box.end ?? 0) - box.scrollTop - box.clientHeight > 60; });
	box.addEventListener("load", () => to_end(box), true); // a picture has its height now
	new ResizeObserver(() => to_end(box)).observe(box);
	return element;
}

function draw_people(people) {
	if (known < people.length) for (const p of people.slice(known)) open.add(p.chat);
	known = people.length;
	$("tabs").replaceChildren(...people.map(p => {
		const button = make("button", { textContent: p.name, onclick: () => { open.delete(p.chat) || open.add(p.chat); draw_people(people); } });
		button.setAttribute("aria-pressed", open.has(p.chat));
		return button;
	}));
	for (const p of people) {
		let element = chats.get(p.chat);
		if (!element) {
			element = new_chat(p);
			chats.set(p.chat, element);
			$("chats").append(element);
		}
		element.hidden = !open.has(p.chat);
		draw_messages(p.chat, p.messages, element.querySelector(".messages"));
		draw_menu(p, element.querySelector(".menu"));
		if (!p.messages.length)
			element.querySelector(".messages").append(make("div", { className: "keyboard" },
				make("div", {}, make("button", { textContent: "Start", onclick: () => ask("/say", { chat: p.chat, text: "/start" }) }))));
	}
}

// --- panels ---

function new_panel(p, i) {
	const element = $("panel-template").content.firstElementChild.cloneNode(true);
	const delay = element.querySelector("[name=delay]"), down = element.querySelector("[name=down]");
	const send = () => ask("/panel", { panel: i, down: down.checked, delay_ms: Number(delay.value) });
	const known_delay = delays.some(([ms]) => ms === p.delay_ms);
	element.querySelector("strong").textContent = p.place;
	element.querySelector("small").textContent = `3X-UI ${p.version} · dialect ${p.dialect}`;
	for (const [name, value] of [["panel", p.url], ["login", `${p.user}\n${p.password}`], ["customers", p.address]]) {
		const cell = make("dd", { textContent: value, title: "Copy", onclick: () => navigator.clipboard?.writeText(value).catch(() => {}) });
		element.querySelector("dl").append(make("dt", { textContent: name }), cell);
	}
	delay.append(...(known_delay ? delays : [[p.delay_ms, `${p.delay_ms / 1000} s`], ...delays]).map(([value, textContent]) => make("option", { value, textContent })));
	delay.onchange = down.onchange = send;
	return element;
}

function client_row(c, i) {
	const ends = c.expires_ms > 0 ? new Date(c.expires_ms).toLocaleDateString() : "never";
	const use = make("button", { textContent: "+1 GB", title: "This client moves a gigabyte", onclick: () => ask("/traffic", { panel: i, email: c.email, bytes: gigabyte }).catch(() => {}) });
	const row = make("tr", { className: c.enabled ? "" : "off" }, make("td", { textContent: c.email }),
		make("td", { textContent: `${bytes(c.up + c.down)} of ${c.quota ? bytes(c.quota) : "∞"}` }), make("td", { textContent: ends }), make("td", {}, use));
	return row;
}

function draw_panels(panels) {
	const box = $("panels");
	panels.forEach((p, i) => {
		if (!box.children[i]) box.append(new_panel(p, i));
		const element = box.children[i];
		element.classList.toggle("down", p.down);
		element.querySelector("[name=down]").checked = p.down;
		element.querySelector("[name=delay]").value = p.delay_ms;
		element.querySelector("table").hidden = !p.clients.length;
		element.querySelector("tbody").replaceChildren(...p.clients.map(c => client_row(c, i)));
	});
}

// --- the whole ---

function draw(state) {
	draw_people(state.people);
	draw_panels(state.panels);
}

$("newcomer").onsubmit = event => {
	const form = event.target;
	event.preventDefault();
	if (form.elements.name.value.trim())
		ask("/person", { name: form.elements.name.value.trim(), language: form.language.value });
	form.elements.name.value = "";
};

setInterval(() => { $("clock").textContent = new Date(Date.now() + shift_ms).toLocaleString(); }, 250);
follow();
