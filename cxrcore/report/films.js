// The films of a report: the viewer of the pages, given what stands in the file.

const host = document.getElementById("films-host");
if (host) {
  const shadow = host.attachShadow({ mode: "open" });
  shadow.innerHTML = `<style>${document.getElementById("films-style")?.textContent}</style><div id="films" role="group"
    aria-label="Films and maps"></div>`;
  mount({ data: Uint8Array.from(atob(host.dataset.films ?? ""), (sign) => sign.charCodeAt(0)), parentElement: shadow });
}
