// Sends what is dropped, chosen or painted, and moves the slider; all else is the server's.
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
    emitEvent("taken", answer);
  };

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
      if (moved === "drop" && event.dataTransfer.files.length) send(event.dataTransfer.files[0], "dropped");
    });
  }

  // A press that moves paints a stroke; one that hardly moves is a click, which the picture tells the server itself.
  const HARDLY = 4; // pixels of the screen
  let painting = null;
  let painted = false;

  const place = (event) => {
    const { image } = painting;
    const box = image.getBoundingClientRect();
    const share = (at, from, size) => Math.min(Math.max((at - from) / size, 0), 1);
    const x = share(event.clientX, box.left, box.width) * image.naturalWidth;
    const y = share(event.clientY, box.top, box.height) * image.naturalHeight;
    return [Math.round(x * 10) / 10, Math.round(y * 10) / 10];
  };

  const drawn = () => {
    const side = Math.max(painting.image.naturalWidth, painting.image.naturalHeight);
    const line = document.createElementNS("http://www.w3.org/2000/svg", "polyline");
    line.setAttribute("class", "stroke");
    line.setAttribute("stroke", document.querySelector(".now input").value);
    line.setAttribute("stroke-width", Math.max(2, sitting.stroke * side));
    document.querySelector(".picture svg").append(line);
    return line;
  };

  document.addEventListener("pointerdown", (event) => {
    const image = event.target.closest?.(".picture img");
    painted = false;
    if (!image || event.button !== 0 || !event.isPrimary) return;
    painting = { image, from: [event.clientX, event.clientY], line: null };
    painting.places = [place(event)];
    image.setPointerCapture(event.pointerId);
  });
  document.addEventListener("pointermove", (event) => {
    if (!painting || !event.isPrimary) return;
    const { from, places } = painting;
    if (!painting.line && Math.hypot(event.clientX - from[0], event.clientY - from[1]) < HARDLY) return;
    painting.line ??= drawn();
    const [x, y] = place(event);
    const last = places[places.length - 1];
    if (places.length < sitting.places && Math.hypot(x - last[0], y - last[1]) >= 2) places.push([x, y]);
    painting.line.setAttribute("points", places.map(([a, b]) => `${a},${b}`).join(" "));
  });
  for (const ended of ["pointerup", "pointercancel"]) {
    document.addEventListener(ended, (event) => {
      if (!painting || !event.isPrimary) return;
      const { line, places } = painting;
      painting = null;
      painted = Boolean(line);
      line?.remove();
      if (line && ended === "pointerup") emitEvent("painted", { places });
    });
  }
  // The browser calls the end of a stroke a click as well.
  document.addEventListener("click", (event) => painted && event.target.closest?.(".picture") && event.stopPropagation(), true);
})();
