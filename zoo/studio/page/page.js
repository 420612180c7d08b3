// Sends what is dropped or chosen, and moves the slider; all else is the server's.
(() => {
  const sitting = window.sitting;

  sitting.split = (share) => document.querySelector(".stage").style.setProperty("--split", share + "%");

  const send = async (file, what) => {
    let answer;
    if (file.size > sitting.bytes) {
      answer = { error: `${file.name} is larger than ${sitting.bytes / 2 ** 20} MiB; save it smaller.` };
    } else {
      try {
        const response = await fetch(`/sitting/${sitting.token}/${what}`, {
          method: "POST",
          body: file,
          headers: { "X-Name": encodeURIComponent(file.name), "Content-Type": "application/octet-stream" },
        });
        answer = await response.json();
      } catch {
        answer = { error: "The page's program cannot be reached; is zoo serve still running?" };
      }
    }
    emitEvent("taken", { what, ...answer });
  };

  const kind = (file) => (/\.json$/i.test(file.name) ? "hints" : "photo");

  document.addEventListener("change", (event) => {
    const input = event.target;
    if (input.type !== "file" || !input.files.length) return;
    send(input.files[0], input.id);
    input.value = "";
  });
  for (const moved of ["dragover", "dragleave", "drop"]) {
    document.addEventListener(moved, (event) => {
      event.preventDefault();
      document.body.classList.toggle("over", moved === "dragover");
      if (moved === "drop" && event.dataTransfer.files.length) {
        const file = event.dataTransfer.files[0];
        send(file, kind(file));
      }
    });
  }
})();
