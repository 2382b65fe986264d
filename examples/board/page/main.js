// The page: who is logged in, which board is shown, and the two sides.

import { element, person } from "./dom.js";
import { GraphQLClient } from "./graphql.js";
import { NativeClient } from "./native.js";
import { Side } from "./side.js";

const code = (text) => element("code", {}, text);
const login = document.getElementById("login");
const form = document.getElementById("login-form");
const choice = document.getElementById("board-choice");
let boardsKnown = false;
const askToSignIn = () => login.open || login.showModal();

const sides = [
  new Side(document.querySelector("[data-side=native]"), {
    title: "Native frames", speaks: [code("/ws/"), " action and request_id"],
    Client: NativeClient, askToSignIn, ready,
  }),
  new Side(document.querySelector("[data-side=graphql]"), {
    title: "GraphQL", speaks: [code("/ws/"), " graphql-transport-ws"],
    Client: GraphQLClient, askToSignIn, ready,
  }),
];

async function session(method = "GET", body = null) {
  const token = /(?:^|; )csrftoken=([^;]+)/.exec(document.cookie)?.[1] ?? "";
  const response = await fetch("/session/", {
    method,
    headers: { "content-type": "application/json", "x-csrftoken": token },
    body: body && JSON.stringify(body),
  });
  return response.json();
}

function showUser(user) {
  document.getElementById("who").textContent = user ? person(user) : "Visitor";
  document.getElementById("sign-in").hidden = user !== null;
  document.getElementById("sign-out").hidden = user === null;
}

// Both sides begin anew as this user.
function become(user) {
  showUser(user);
  boardsKnown = false;
  for (const side of sides) side.connect(user);
}

// Whichever side is connected first says which boards there are.
async function ready(side) {
  if (boardsKnown) return side.load();
  await side.attempt(async () => {
    const boards = await side.client.boards();
    if (boardsKnown) return;
    boardsKnown = true;
    showBoards(boards);
  });
}

function showBoards(boards) {
  choice.replaceChildren(...boards.map(({ id, name, public: open }) => (
    element("option", { value: id }, open ? name : `${name} (private)`))));
  choice.disabled = boards.length < 2;
  const asked = new URLSearchParams(location.hash.slice(1)).get("board");
  choice.value = boards.some(({ id }) => id === asked) ? asked : boards[0]?.id;
  showBoard();
}

function showBoard() {
  document.title = `${choice.selectedOptions[0]?.textContent ?? "No board"} · one board, two protocols`;
  for (const side of sides) side.load(choice.value || null);
}

choice.onchange = () => {
  history.replaceState(null, "", `#board=${choice.value}`);
  showBoard();
};
document.getElementById("sign-in").onclick = askToSignIn;
document.getElementById("login-cancel").onclick = () => login.close();
document.getElementById("sign-out").onclick = async () => become((await session("DELETE")).user);
form.onsubmit = async (event) => {
  event.preventDefault();
  const answer = await session("POST", { username: form.username.value, password: form.password.value });
  document.getElementById("login-error").textContent = answer.detail ?? "";
  if (!answer.user) return;
  form.reset();
  login.close();
  become(answer.user);
};

const { user, demo } = await session();
for (const [name, password] of Object.entries(demo ?? {})) {
  document.getElementById("demo-users").hidden = false;
  document.getElementById("demo-users").append(element("button", {
    type: "button", class: "button small", "data-testid": `demo-${name}`,
    onclick: () => {
      form.username.value = name;
      form.password.value = password;
      form.requestSubmit();
    },
  }, person({ username: name })));
}
become(user);
