// The gallery: a photo is chosen, every model's picture of it shown, any two compared under the slider.
{
  const data = JSON.parse(document.getElementById("data").textContent);
  const PHOTO_VIEWS = {truth: "truth", grey: "grey input", hints: "hints"};
  const $ = (selector) => document.querySelector(selector);
  const [left, right] = [$("#left"), $("#right")];
  const state = {photo: data.shown[0]};

  const create = (tag, properties, ...children) => {
    const element = Object.assign(document.createElement(tag), properties);
    element.append(...children);
    return element;
  };
  const decibels = (model, photo) => model.psnr[photo] === undefined ? "" : `${model.psnr[photo].toFixed(2)} dB`;
  const title = (view) => PHOTO_VIEWS[view] || data.models[view].name;
  // A narrow place breaks a name after its underscores, and not within a word.
  const breakable = (name) => name.split(/(?<=_)/).flatMap((part) => [part, create("wbr", {})]);
  const picture = (view, photo) =>
    view in PHOTO_VIEWS ? data.photos[photo][view] : data.models[view].pictures[photo];
  const image = (view, photo) =>
    create("img", {src: picture(view, photo), alt: `${data.photos[photo].name}: ${title(view)}`, loading: "lazy"});

  const compare = () => {
    for (const [element, view] of [[$(".before"), left.value], [$(".after"), right.value]]) {
      element.src = picture(view, state.photo);
      element.alt = `${data.photos[state.photo].name}: ${title(view)}`;
    }
  };

  const tile = (view, note) => {
    const button = create("button", {type: "button", className: "tile"}, image(view, state.photo),
      ...breakable(title(view)), " ",
      create("span", {textContent: note}));
    button.addEventListener("click", () => { left.value = view; compare(); });
    return button;
  };

  // A model's best and worst photos may be ones that not every model's picture is here of.
  const fill = (select, fallback) => {
    const chosen = select.value || fallback;
    const views = [...Object.keys(PHOTO_VIEWS), ...data.models.keys()].filter((view) => picture(view, state.photo));
    select.replaceChildren(...views.map((view) => create("option", {value: view, textContent: title(view)})));
    select.value = views.map(String).includes(chosen) ? chosen : fallback;
  };

  const show = (photo) => {
    state.photo = photo;
    const drawn = [...data.models.keys()].filter((k) => data.models[k].pictures[photo]);
    fill(left, String(drawn[0]));
    fill(right, "truth");
    $(".tiles").replaceChildren(
      tile("grey", ""), tile("hints", ""), tile("truth", ""),
      ...drawn.map((k) => tile(String(k), decibels(data.models[k], photo))));
    for (const button of document.querySelectorAll(".thumbs button"))
      button.setAttribute("aria-pressed", String(Number(button.dataset.photo) === photo));
    compare();
  };

  const pair = (k, photo, place) => {
    const model = data.models[k];
    const button = create("button", {type: "button", className: "pair", title: data.photos[photo].name},
      create("div", {className: "two"}, image(k, photo), image("truth", photo)),
      `${place} `, create("span", {textContent: decibels(model, photo)}));
    button.addEventListener("click", () => {
      show(photo);
      [left.value, right.value] = [String(k), "truth"];
      compare();
      $(".viewer").scrollIntoView({block: "center"});
    });
    return button;
  };

  $(".thumbs").append(...data.shown.map((photo) => {
    const button = create("button", {type: "button", title: data.photos[photo].name}, image("truth", photo));
    button.dataset.photo = photo;
    button.addEventListener("click", () => show(photo));
    return button;
  }));
  $(".extremes").append(...data.models.map((model, k) =>
    create("article", {className: "extreme"}, create("h3", {}, ...breakable(model.name)),
      create("div", {}, ...model.best.map((photo) => pair(k, photo, "best")),
        ...model.worst.map((photo) => pair(k, photo, "worst"))))));

  const range = $(".slider input");
  range.addEventListener("input", () => $(".slider").style.setProperty("--split", `${range.value}%`));
  left.addEventListener("change", compare);
  right.addEventListener("change", compare);
  show(state.photo);
}
