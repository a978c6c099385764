"use strict";
(() => {
  const read = (id) => JSON.parse(document.getElementById(id).textContent);
  const specifications = read("figure-specifications");
  const configurations = read("figure-configurations");
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const shown = new Map();

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
    try {
      shown.set(name, await vegaEmbed(place, specifications[name], options));
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

  dark.addEventListener("change", drawAll);
  drawAll();
})();
