// The demo's page: nothing here is part of the console. A token goes from the answer into this tab's own storage.

const TOKEN = "signalbox.token";
const LOOK_EVERY_MS = 2000;
const STORYTELLER = "dispatcher";
const GOES_TO = { late: "/inbox", silent: "/", broken: "/quarantine" };
const SAID = {
  late: (it) => `Truck ${it.who} with load ${it.reference} stands in the storm.`,
  silent: (it) => `Load ${it.reference} is offered to ${it.who}.`,
  broken: (it) => `${it.who} has sent order ${it.reference}.`,
};

let home = null;

async function ask(path, body) {
  const answer = await fetch(path, {
    method: body ? "POST" : "GET",
    headers: { "x-signalbox-demo": "1", "content-type": "application/json" },
    body: body && JSON.stringify(body),
  });
  const told = await answer.json();
  if (!answer.ok) throw new Error(told.detail ?? told.title);
  return told;
}

function make(name, text, ...inside) {
  const made = document.createElement(name);
  if (text) made.textContent = text;
  made.append(...inside);
  return made;
}

async function signIn(tenant, role, to) {
  const { token } = await ask("/demo/sign-in", { tenant, role });
  sessionStorage.setItem(TOKEN, token);
  location.assign(to);
}

async function showPeople() {
  const { tenants } = await ask("/demo/people");
  if (tenants.length === 0) return setTimeout(showPeople, LOOK_EVERY_MS);
  home = tenants[0].id;
  const shown = tenants.map((tenant) => {
    const list = make("ul");
    list.className = "people";
    for (const [role, name] of Object.entries(tenant.people)) {
      const button = make("button", `${name}, ${role}`);
      button.type = "button";
      button.addEventListener("click", () => signIn(tenant.id, role, "/"));
      list.append(make("li", "", button));
    }
    const place = make("div", "", make("h3", tenant.name), list);
    place.className = "tenant";
    return place;
  });
  document.getElementById("people").replaceChildren(...shown);
  await showLetters();
}

async function showLetters() {
  const { letters } = await ask(`/demo/letters/${home}`);
  const shown = letters.map((it) => {
    const place = make("div", "", make("pre", it));
    place.className = "letter";
    return place;
  });
  const place = document.getElementById("letters");
  if (shown.length !== place.querySelectorAll(".letter").length) place.replaceChildren(...shown);
  setTimeout(showLetters, LOOK_EVERY_MS);
}

for (const article of document.querySelectorAll("article")) {
  const { story } = article.dataset;
  const [button, told] = [article.querySelector("button"), article.querySelector(".told")];
  button.addEventListener("click", async () => {
    button.disabled = true;
    try {
      const marked = await ask(`/demo/stories/${story}`, { tenant: home });
      const go = make("button", "See it as the dispatcher");
      go.type = "button";
      const to = story === "silent" ? `/?text=${encodeURIComponent(marked.reference)}` : GOES_TO[story];
      go.addEventListener("click", () => signIn(home, STORYTELLER, to));
      told.replaceChildren(SAID[story](marked), " ", go);
      button.textContent = "Play it again";
    } catch (error) {
      told.textContent = error.message;
    }
    button.disabled = false;
  });
}

showPeople();
