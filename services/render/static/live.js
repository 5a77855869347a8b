/* Số lượt đọc của bài đang mở đổi theo máy chủ, khi trang đang được xem. Không có tập lệnh này trang
   vẫn đúng lúc mở. Không dùng cookie, không lưu gì trên máy người đọc. */
(function () {
  "use strict";

  var script = document.currentScript || document.querySelector("script[data-live]");
  var url = script && script.getAttribute("data-live");
  var article = script && script.getAttribute("data-of");
  var group = script && script.getAttribute("data-group") || ".";
  if (!url || !article || !window.EventSource || !window.JSON) { return; }

  var FIRST = 5000, LONGEST = 300000; // chờ lâu dần, tính bằng mili giây
  var FIGURES = ["online", "today", "yesterday", "week", "month", "year"];
  var source = null, timer = 0, wait = FIRST;
  var generations = {}; // số lần đếm lại: chỉ khi lớn hơn thì số được giảm
  var seen = ""; // lúc của số liệu toàn cổng đang hiện

  function shown(number) {
    // 1234567 thành 1.234.567, theo ngôn ngữ của trang, không tùy vào trình duyệt.
    return String(number).replace(/\B(?=(\d{3})+$)/g, group);
  }

  function set(name, value) {
    var places = document.querySelectorAll("[data-" + name + "]"), text = shown(value), i;
    for (i = 0; i < places.length; i += 1) {
      // Chỉ đổi chữ trong nút đã có: không đổi bố cục, trình đọc màn hình không đọc lên.
      if (places[i].textContent !== text) { places[i].textContent = text; }
    }
  }

  function held(name) {
    var place = document.querySelector("[data-" + name + "]");
    return place ? Number(place.textContent.replace(/\D/g, "")) : 0;
  }

  function grow(name, value, generation) {
    var known = generations[name] || 0;
    if (typeof value !== "number" || generation < known) { return; }
    if (generation > known || value > held(name)) { set(name, value); }
    generations[name] = generation;
  }

  function before() {
    // Số của hệ thống cũ mà chỉ cổng này cộng vào tổng.
    var place = document.querySelector("[data-before]");
    return place ? Number(place.getAttribute("data-before")) || 0 : 0;
  }

  function takeSite(site) {
    var i;
    if (site.as_of < seen) { return; } // của máy chủ khác, cũ hơn
    seen = site.as_of || seen;
    if (typeof site.total === "number") {
      grow("total", site.total + before(), site.generation || 0);
    }
    // Tất cả cùng một lúc: nếu không, hôm nay có thể nhiều hơn cả tuần.
    for (i = 0; i < FIGURES.length; i += 1) {
      if (typeof site[FIGURES[i]] === "number") { set(FIGURES[i], site[FIGURES[i]]); }
    }
  }

  function take(event) {
    var frame, site;
    wait = FIRST;
    try { frame = JSON.parse(event.data) || {}; } catch (error) { return; }
    site = frame.site;
    if (frame.articles) {
      grow("reads", frame.articles[article], (frame.generations || {})[article] || 0);
    }
    if (site) { takeSite(site); }
  }

  function close() {
    clearTimeout(timer);
    timer = 0;
    if (source) { source.close(); source = null; }
  }

  function lost() {
    // Bị ngắt thì trình duyệt tự nối lại. Bị từ chối (503) thì không: chờ lâu dần rồi thử lại.
    if (!source || source.readyState !== 2) { return; }
    close();
    timer = setTimeout(follow, wait * (0.5 + Math.random()));
    wait = Math.min(2 * wait, LONGEST);
  }

  function follow() {
    timer = 0;
    if (source || document.prerendering || (document.visibilityState || "visible") !== "visible") {
      return;
    }
    source = new EventSource(url + "?article=" + encodeURIComponent(article));
    source.onmessage = take;
    source.onerror = lost;
  }

  function look() {
    // Trang ở thẻ nền không giữ kết nối.
    if (document.visibilityState === "hidden") { close(); } else if (!timer) { follow(); }
  }

  document.addEventListener("visibilitychange", look);
  document.addEventListener("prerenderingchange", look);
  window.addEventListener("pagehide", close);
  window.addEventListener("pageshow", look);
  look();
}());
