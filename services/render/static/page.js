/* Chép liên kết, in, cỡ chữ. Không có tập lệnh này các nút ấy không hiện, trang vẫn đủ. Cỡ chữ được
   nhớ trên máy người đọc, chỉ khi người đọc đổi nó. */
(function () {
  "use strict";

  var SIZES = ["", "large", "larger", "largest"], root = document.documentElement;

  function each(selector, act) {
    Array.prototype.forEach.call(document.querySelectorAll(selector), act);
  }

  function held() {
    try { return SIZES.indexOf(localStorage.getItem("text-size") || ""); } catch (error) { return 0; }
  }

  function say(text) {
    // Trình đọc màn hình đọc lên chữ vào sau, trong nút đã có.
    var place = document.querySelector("[data-said]") || document.createElement("p");
    place.className = "hidden";
    place.setAttribute("data-said", "");
    place.setAttribute("role", "status");
    if (!place.parentNode) { document.body.appendChild(place); }
    setTimeout(function () { place.textContent = text; }, 100);
  }

  function resize(size) {
    if (SIZES[size]) { root.setAttribute("data-text", SIZES[size]); } else { root.removeAttribute("data-text"); }
    each("[data-size]", function (button) {
      var to = size + Number(button.getAttribute("data-size"));
      button.setAttribute("aria-disabled", String(to < 0 || to >= SIZES.length));
    });
  }

  function keep(size) {
    try {
      if (size) { localStorage.setItem("text-size", SIZES[size]); } else { localStorage.removeItem("text-size"); }
    } catch (error) { /* chỉ trang này */ }
  }

  function loadAll() {
    // Ảnh tải muộn thì bản in thiếu ảnh.
    each("img[loading=lazy]", function (image) { image.loading = "eager"; });
  }

  function print() {
    var waiting = [];
    loadAll();
    each("main img", function (image) {
      if (image.decode) { waiting.push(image.decode().catch(function () {})); }
    });
    Promise.all(waiting).then(function () { window.print(); });
  }

  var size = Math.max(0, held());
  resize(size);
  each("[data-size]", function (button) {
    button.onclick = function () {
      var to = size + Number(button.getAttribute("data-size"));
      if (to < 0 || to >= SIZES.length) { return; }
      size = to;
      resize(size);
      keep(size);
    };
  });
  each("[data-print]", function (button) { button.onclick = print; });
  each("[data-copy]", function (button) {
    if (!navigator.clipboard) { button.parentNode.remove(); return; }
    button.onclick = function () {
      navigator.clipboard.writeText(button.getAttribute("data-copy")).then(function () {
        say(button.getAttribute("data-done"));
        button.classList.add("done");
      }, function () {});
    };
  });
  each("[data-needs-script]", function (item) { item.hidden = false; });
  window.addEventListener("beforeprint", loadAll);
}());
