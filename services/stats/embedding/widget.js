/* Điền số lượt đọc vào <span data-luotdoc="total">; không style, eval, cookie. */
(function () {
  "use strict";
  var script = document.currentScript;
  if (!script) { return; }
  var base = script.src.replace(/widget\.js.*$/, "");
  var mark = script.getAttribute("data-lang") === "en" ? "," : ".";
  var live = script.hasAttribute("data-live") && window.EventSource;
  var source = null;

  function fill(article, figures) {
    var places = document.querySelectorAll("[data-luotdoc]"), i, value;
    for (i = 0; i < places.length; i += 1) {
      if ((places[i].getAttribute("data-article") || "") === article) {
        value = figures[places[i].getAttribute("data-luotdoc")];
        if (typeof value === "number") {
          places[i].textContent = String(value).replace(/\B(?=(\d{3})+$)/g, mark);
        }
      }
    }
  }

  function get(article) {
    var request = new XMLHttpRequest();
    request.open("GET", base + (article ? "articles/" + encodeURIComponent(article) : "site"));
    request.onload = function () {
      if (request.status !== 200) { return; }
      var figures = JSON.parse(request.responseText);
      if (article) { figures.total = figures.reads; }
      fill(article, figures);
    };
    request.send();
  }

  function look() {
    var places = document.querySelectorAll("[data-luotdoc]"), done = {}, i, article;
    if (source && (document.hidden || source.readyState === 2)) { source.close(); source = null; }
    if (document.hidden) { return; }
    for (i = 0; i < places.length; i += 1) {
      article = places[i].getAttribute("data-article") || "";
      if (!done[article]) { done[article] = true; get(article); }
    }
    if (!live || source) { return; }
    source = new EventSource(base + "live");
    source.onmessage = function (event) {
      var site = JSON.parse(event.data).site;
      if (site) { fill("", site); }
    };
  }

  document.addEventListener("visibilitychange", look);
  setInterval(look, 60000);
  look();
}());
