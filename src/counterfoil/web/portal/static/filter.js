// Leaves of a table or list, while one types, the lines that have every word; Enter searches everything.
const fold = (text) => text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();

for (const input of document.querySelectorAll("input[data-filters]")) {
  const lines = [...document.querySelectorAll(input.dataset.filters)];
  const texts = lines.map((line) => fold(line.textContent));
  input.addEventListener("input", () => {
    const words = fold(input.value).split(/\s+/).filter(Boolean);
    lines.forEach((line, at) => { line.hidden = !words.every((word) => texts[at].includes(word)); });
  });
}
