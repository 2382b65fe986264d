// Making elements. Text is always set as text: what people write is never read as HTML.

export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (name === "value") made.value = value;
    else made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children.filter((child) => child || child === 0));
  return made;
}

const DAY = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short" });
const MINUTE = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });

export function day(text) {
  return DAY.format(new Date(`${text}T12:00:00`));
}

export function minute(text) {
  return MINUTE.format(new Date(text));
}

export function person(user) {
  if (!user) return "a visitor";
  return user.username[0].toUpperCase() + user.username.slice(1);
}

export const calm = matchMedia("(prefers-reduced-motion: reduce)");
