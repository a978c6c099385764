"use strict";
(() => {
  const read = (id) => JSON.parse(document.getElementById(id).textContent);
  const specifications = read("figure-specifications");
  const configurations = read("figure-configurations");
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const shown = new Map();
  const NARROW = 600; // px, below which figures are laid out anew
  const LEAST = 170; // px, width that a plot keeps
  const LINE = 40; // characters of an axis title

  // Scaled down, the words of a figure would be too small to read on a telephone.
  function narrowed(node, width) {
    if (Array.isArray(node)) return node.map((item) => narrowed(item, width));
    if (node === null || typeof node !== "object") return node;
    const made = {};
    for (const [key, value] of Object.entries(node)) {
      made[key] = key === "values" ? value : narrowed(value, width);
    }
    if (typeof made.width === "number" && made.width > width) {
      if (made.height >= 0.8 * made.width) made.height *= width / made.width;
      made.width = width;
    }
    if (made.concat && made.columns) made.columns = 1;
    if (made.field && typeof made.title === "string") made.title = lines(made.title);
    if (made.legend) made.legend = below(made.legend);
    return made;
  }

  function lines(title) {
    const made = [""];
    for (const word of title.split(" ")) {
      const longer = (made[made.length - 1] + " " + word).trim();
      if (longer.length > LINE && made[made.length - 1]) made.push(word);
      else made[made.length - 1] = longer;
    }
    return made.length > 1 ? made : title;
  }

  function below(legend) {
    const columns = Math.min(legend.columns ?? 2, 2);
    return { ...legend, orient: "bottom", columns, labelLimit: 250 };
  }

  async function draw(place) {
    const name = place.dataset.figure;
    const old = shown.get(name);
    if (old) old.finalize();
    const options = {
      config: configurations[dark.matches ? "dark" : "light"],
      renderer: "svg",
      actions: false,
      tooltip: { theme: dark.matches ? "dark" : "light" },
    };
    const room = place.clientWidth;
    const specification = specifications[name];
    try {
      if (room >= NARROW) {
        shown.set(name, await vegaEmbed(place, specification, options));
        return;
      }
      let width = room - 60;
      for (let tries = 0; tries < 2; tries += 1) {
        const spec = narrowed(specification, width);
        shown.set(name, await vegaEmbed(place, spec, options));
        const taken = Number(place.querySelector("svg").getAttribute("width"));
        if (taken <= room || width <= LEAST) return;
        width = Math.max(width - (taken - room), LEAST);
      }
    } catch (error) {
      place.textContent = "This figure could not be drawn: " + error.message;
      place.classList.add("failed");
      throw error;
    }
  }

  async function drawAll() {
    document.documentElement.dataset.drawn = "no";
    for (const place of document.querySelectorAll("[data-figure]")) await draw(place);
    document.documentElement.dataset.drawn = "yes";
  }

  const narrow = window.matchMedia(`(max-width: ${NARROW + 40}px)`);
  dark.addEventListener("change", drawAll);
  narrow.addEventListener("change", drawAll);
  drawAll();
})();
