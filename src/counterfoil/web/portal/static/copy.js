// Adds a button to each hash and command, which copies the whole of it.
async function copy(text) {
  if (navigator.clipboard && window.isSecureContext) {
    await navigator.clipboard.writeText(text);
    return;
  }
  const area = document.createElement("textarea");
  area.value = text;
  area.className = "apart";
  document.body.append(area);
  area.select();
  const copied = document.execCommand("copy");
  area.remove();
  if (!copied) throw new Error("refused");
}

for (const source of document.querySelectorAll("[data-copy]")) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "copy";
  button.textContent = "Copy";
  button.setAttribute("aria-label", `Copy ${source.dataset.copy}`);
  const said = document.createElement("span");
  said.className = "apart";
  said.setAttribute("role", "status");
  button.addEventListener("click", async () => {
    try {
      await copy(source.textContent.trim());
      button.textContent = said.textContent = "Copied";
    } catch {
      button.textContent = said.textContent = "Select it and copy by hand";
    }
    setTimeout(() => { button.textContent = "Copy"; said.textContent = ""; }, 2500);
  });
  source.after(button, said);
}
