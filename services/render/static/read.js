/* Báo một lượt đọc mỗi khi trang bài viết thật sự hiện ra trước mắt người đọc.
   Không dùng cookie, không lưu gì trên máy người đọc. */
(function () {
  "use strict";

  // Trình duyệt cũ không có document.currentScript: tìm thẻ script mang mã bài.
  var script = document.currentScript || document.querySelector("script[data-article]");
  var article = script && script.getAttribute("data-article");
  var url = script && script.getAttribute("data-url");
  if (!article || !url) { return; }

  // Chỉ gửi giao thức và tên máy của trang trước, không gửi đường dẫn hay truy vấn; để trống nếu
  // không có. Gửi trong truy vấn chứ không trong thân: ingest bản cũ bỏ qua tham số lạ, còn thân có
  // trường lạ thì bị từ chối và mất lượt đọc.
  var from = /^[a-z][a-z0-9+.\-]{0,30}:\/\/[a-z0-9._:\[\]\-]{1,255}(?=\/|$)/i.exec(document.referrer);
  var target = url + "?referrer=" + (from ? encodeURIComponent(from[0]) : "");
  var message = JSON.stringify({ article: article });
  var due = true; // lần xem này còn chưa được báo

  function send() {
    // Chuỗi được gửi dưới dạng text/plain nên không cần hỏi trước (preflight).
    try {
      if (navigator.sendBeacon && navigator.sendBeacon(target, message)) { return; }
    } catch (error) { /* thử cách dưới */ }
    if (!window.fetch) { picture(); return; }
    try {
      fetch(target, {
        method: "POST",
        mode: "no-cors",
        credentials: "omit",
        keepalive: true,
        headers: { "Content-Type": "text/plain;charset=UTF-8" },
        body: message
      }).catch(function () {});
    } catch (error) { picture(); }
  }

  function picture() {
    // Như trong noscript: một ảnh trống.
    new Image().src = url + ".gif?article=" + encodeURIComponent(article);
  }

  function attempt() {
    // Trang dựng trước (prerender) hoặc mở ở thẻ nền thì chờ đến khi được xem.
    if (!due || document.prerendering || (document.visibilityState || "visible") !== "visible") { return; }
    due = false;
    send();
  }

  document.addEventListener("visibilitychange", attempt);
  document.addEventListener("prerenderingchange", attempt);
  window.addEventListener("pageshow", function (event) {
    // Quay lại từ bộ nhớ đệm tiến/lùi (bfcache) là một lần xem mới.
    if (event.persisted) { due = true; attempt(); }
  });
  attempt();
}());
