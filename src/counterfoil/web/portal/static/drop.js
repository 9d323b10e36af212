// A proof dropped anywhere on the form is given to it and sent, as if it had been chosen.
for (const form of document.querySelectorAll("form.drop")) {
  const input = form.querySelector('input[name="proof"]');
  form.querySelector(".dropping").hidden = false;
  const over = (event, state) => {
    if (!event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault();
    form.classList.toggle("over", state);
  };
  form.addEventListener("dragover", (event) => over(event, true));
  form.addEventListener("dragleave", (event) => over(event, false));
  form.addEventListener("drop", (event) => {
    over(event, false);
    if (event.dataTransfer.files.length !== 1) return;
    input.files = event.dataTransfer.files;
    form.requestSubmit();
  });
}
