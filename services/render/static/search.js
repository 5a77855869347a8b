// Gợi ý khi gõ vào ô tìm kiếm.
for (const box of document.querySelectorAll("input[data-suggestions]")) {
  const make = (name) => document.createElement(name);
  const list = make("ul");
  list.className = "suggested";
  list.hidden = true;
  box.after(list);
  let timer;
  const show = async () => {
    const typed = box.value.trim();
    const answer = typed && (await fetch(box.dataset.suggestions + "?q=" + encodeURIComponent(typed)));
    const found = answer?.ok ? await answer.json() : [];
    if (typed !== box.value.trim()) return;
    list.replaceChildren(...found.map(({ text, url }) => {
      const item = make("li");
      const link = item.appendChild(make("a"));
      link.href = url;
      link.textContent = text;
      return item;
    }));
    list.hidden = !found.length;
  };
  box.oninput = () => {
    clearTimeout(timer);
    timer = setTimeout(() => show().catch(() => {}), 150);
  };
  box.parentElement.onkeydown = (e) => {
    if (e.key === "Escape") list.hidden = true;
  };
}
