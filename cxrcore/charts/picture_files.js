// A drawing to take along: SVG, or PNG of twice the screen's size.

/** @param {Blob} blob @param {string} name */
function save(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

/** @param {SVGSVGElement} svg @param {string} name without its ending @param {string} kind svg or png */
async function saveAs(svg, name, kind) {
  const text = new XMLSerializer().serializeToString(svg);
  const blob = new Blob([text], { type: "image/svg+xml;charset=utf-8" });
  if (kind === "svg") {
    save(blob, `${name}.svg`);
    return;
  }
  const image = new Image(), canvas = document.createElement("canvas"), times = 2;
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(text)}`;
  await image.decode();
  [canvas.width, canvas.height] = [image.width * times, image.height * times];
  canvas.getContext("2d")?.drawImage(image, 0, 0, canvas.width, canvas.height);
  canvas.toBlob((made) => { if (made) save(made, `${name}.png`); });
}
