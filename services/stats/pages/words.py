"""The texts of the pages, in Vietnamese and English: one long table. Pure."""

TEXTS: dict[str, tuple[str, str]] = {
    # the frame
    "skip": ("Chuyển đến nội dung chính", "Skip to the main content"),
    "statistics": ("Thống kê lượt đọc", "Read statistics"),
    "home": ("Trang chủ", "Home"),
    "path": ("Đường dẫn", "Breadcrumb"),
    "api": ("Tài liệu API", "API documentation"),
    "up": ("Lên đầu trang", "Back to top"),
    "as_of": ("tính đến", "as of"),
    "complete": (
        "Đã đếm đủ mọi lượt đọc trước {moment}.",
        "Every read before {moment} is counted.",
    ),
    "zone": ("Giờ theo múi giờ {zone}.", "Times are in the zone {zone}."),
    "about": (
        "Số lượt đọc các bài viết trên cổng: tổng số, theo giờ, theo ngày, theo chuyên mục.",
        "Reads of the portal's articles: totals, by hour, by day and by section.",
    ),
    # numbers
    "reads": ("Lượt đọc", "Reads"),
    "reads_of": ("{number} lượt đọc", "{number} reads"),
    "total": ("Tổng cộng", "Total"),
    "today": ("Hôm nay", "Today"),
    "yesterday": ("Hôm qua", "Yesterday"),
    "week": ("Tuần này", "This week"),
    "month": ("Tháng này", "This month"),
    "year": ("Năm nay", "This year"),
    "online": ("Đang đọc", "Reading now"),
    "uniques": ("Người đọc hôm nay", "Readers today"),
    "online_note": ("người đọc trong 5 phút qua", "readers of the last 5 minutes"),
    "uniques_since": ("từ 4 giờ sáng ngày {day}", "since 4:00 on {day}"),
    "uniques_yesterday": ("hôm qua: {number}", "yesterday: {number}"),
    "means": ("trung bình mỗi ngày, đến hôm qua: {means}", "daily mean to yesterday: {means}"),
    "uniques_of_days": ("{number} ({days} ngày)", "{number} ({days} days)"),
    "not_yet": ("chưa có", "not yet known"),
    "baseline_note": (
        "gồm {number} lượt từ hệ thống trước",
        "{number} of them from an earlier system",
    ),
    "same_time": (
        "{change} tính đến {time}: {reads} so với {number} {day} tuần trước",
        "{change} by {time}: {reads} against {number} last {day}",
    ),
    "whole_day": (
        "{change} so với {number} {day} tuần trước",
        "{change} against {number} the {day} before",
    ),
    "than_week": (
        "{change} tính đến {time}: {reads} so với {number} cùng lúc tuần trước",
        "{change} by {time}: {reads} against {number} last week",
    ),
    "than_month": (
        "{change} tính đến {time}: {reads} so với {number} cùng lúc tháng trước",
        "{change} by {time}: {reads} against {number} last month",
    ),
    "than_year": (
        "{change} tính đến {time}: {reads} so với {number} cùng lúc năm trước",
        "{change} by {time}: {reads} against {number} last year",
    ),
    "none_before": ("trước đó chưa có lượt đọc nào", "no reads in the period before"),
    "no_before": ("chưa có số liệu để so sánh", "nothing to compare with yet"),
    # periods
    "period": ("Khoảng thời gian", "Period"),
    "24h": ("24 giờ", "24 hours"),
    "7d": ("7 ngày", "7 days"),
    "30d": ("30 ngày", "30 days"),
    "90d": ("90 ngày", "90 days"),
    "12mo": ("12 tháng", "12 months"),
    "all": ("Tất cả", "All time"),
    "in_24h": ("trong 24 giờ qua", "in the last 24 hours"),
    "in_7d": ("trong 7 ngày qua", "in the last 7 days"),
    "in_30d": ("trong 30 ngày qua", "in the last 30 days"),
    "in_90d": ("trong 90 ngày qua", "in the last 90 days"),
    "in_12mo": ("trong 12 tháng qua", "in the last 12 months"),
    "in_all": ("từ trước đến nay", "since the beginning"),
    "in_its_days": ("từ khi đăng", "since its publication"),
    "hour": ("Giờ", "Hour"),
    "day": ("Ngày", "Day"),
    "week_of": ("Tuần từ", "Week of"),
    "month_of": ("Tháng", "Month"),
    "by_hour": ("theo giờ", "by hour"),
    "by_day": ("theo ngày", "by day"),
    "by_week": ("theo tuần", "by week"),
    "by_month": ("theo tháng", "by month"),
    "open_hour": ("giờ này chưa hết", "this hour is not over"),
    "open_day": ("hôm nay chưa hết", "today is not over"),
    "open_week": ("tuần này chưa hết", "this week is not over"),
    "open_month": ("tháng này chưa hết", "this month is not over"),
    # plots
    "numbers": ("Xem số liệu", "Show the numbers"),
    "csv": ("Tải CSV", "Download CSV"),
    "csv_of": ("Tải CSV: {what}", "Download CSV: {what}"),
    "today_course": ("Hôm nay theo giờ", "Today by hour"),
    "same_weekday": ("{day} tuần trước", "{day} of last week"),
    "period_course": ("Lượt đọc {period}, {step}", "Reads {period}, {step}"),
    "this_period": ("Kỳ này", "This period"),
    "before": ("Kỳ trước", "Period before"),
    "year_course": ("Một năm qua theo ngày", "The last year by day"),
    "readers_course": ("Số người đọc mỗi ngày {period}", "Readers of each day {period}"),
    "readers_note": (
        "Mỗi người được tính một lần một ngày; ngày bắt đầu lúc 4 giờ sáng. Trên {exact} người là "
        "số ước tính, 95 trong 100 lần lệch không quá {error}. Cộng các ngày lại sẽ tính trùng "
        "người. Ai bật tín hiệu riêng tư GPC thì không có trong số này.",
        "Each person is counted once a day; days begin at 4:00. Above {exact} people it is an "
        "estimate, within {error} in 95 of 100 cases. Days can't be added up: people would be "
        "counted twice. Those who send the privacy signal GPC are not in this number.",
    ),
    "uncertainty": ("Sai số", "Error"),
    "exact": ("chính xác", "exact"),
    "heat": ("Giờ nào trong tuần được đọc nhiều", "When people read in the week"),
    "heat_note": (
        "Trung bình mỗi giờ, {days} ngày gần nhất.",
        "Average of each hour over the last {days} days.",
    ),
    "few": ("ít", "few"),
    "many": ("nhiều", "many"),
    "sections": ("Theo chuyên mục {period}", "By section {period}"),
    "section": ("Chuyên mục", "Section"),
    "other_sections": (
        "Hình có {number} chuyên mục đầu; bảng có tất cả.",
        "The plot has the first {number} sections, the table all.",
    ),
    "classes": ("Người đọc và máy {period}", "People and robots {period}"),
    "classes_note": (
        "Chỉ lượt của người được đếm; phần còn lại bị lọc ra, mỗi màu là một lý do.",
        "Only people's reads are counted; the rest is filtered, each colour is a reason.",
    ),
    "last_bar": ("Cột cuối: {what}.", "The last bar: {what}."),
    "people": ("Người đọc", "People"),
    "reader": ("Người đọc trên trang", "Readers of pages"),
    "batch": ("Ứng dụng và máy chủ gửi", "Sent by apps and servers"),
    "bot": ("Máy tìm kiếm, rô-bốt", "Robots"),
    "reload": ("Tải lại trang", "Reloads"),
    "prefetch": ("Trình duyệt tải trước", "Prefetched pages"),
    "origin": ("Gửi từ trang khác", "Sent by other sites"),
    "limit": ("Quá nhiều từ một địa chỉ", "Too many from one address"),
    "other": ("Loại khác", "Others"),
    "referrers": ("Người đọc đến từ đâu {period}", "Where readers come from {period}"),
    "referrer": ("Nguồn", "Source"),
    "direct": ("Vào thẳng", "Direct"),
    "site": ("Trang của cổng", "This portal"),
    "search": ("Máy tìm kiếm", "Search engines"),
    "social": ("Mạng xã hội", "Social networks"),
    "other_referrer": ("Trang khác", "Other sites"),
    "not_known": ("Không rõ", "Not known"),
    "devices": ("Đọc trên thiết bị nào {period}", "Readers' devices {period}"),
    "device": ("Thiết bị", "Device"),
    "mobile": ("Điện thoại", "Phones"),
    "tablet": ("Máy tính bảng", "Tablets"),
    "desktop": ("Máy tính", "Computers"),
    "other_device": ("Thiết bị khác", "Other devices"),
    "share": ("Tỷ lệ", "Share"),
    "top": ("Đọc nhiều nhất {period}", "Most read {period}"),
    "trending": ("Đang được chú ý", "Trending"),
    "trending_note": (
        "Bài được đọc nhiều hơn dự kiến trong hai giờ qua.",
        "Articles that were read more than expected in the last two hours.",
    ),
    "expected": ("Dự kiến", "Expected"),
    "rank": ("Hạng", "Rank"),
    "article": ("Bài viết", "Article"),
    "spark": ("24 giờ qua", "Last 24 hours"),
    "figures_of": ("Số liệu", "Figures"),
    "spark_of": (
        "{number} lượt đọc trong 24 giờ qua, nhiều nhất {most} lượt một giờ",
        "{number} reads in the last 24 hours, {most} in the busiest hour",
    ),
    "nothing": ("Chưa có bài nào được đọc.", "No article has been read yet."),
    "none_trending": ("Hiện không có bài nào.", "There are none at the moment."),
    "preparing": (
        "Số liệu này đang được chuẩn bị, mời bạn tải lại trang sau ít phút.",
        "These figures are being prepared. Please reload in a few minutes.",
    ),
    "described": (
        "Tổng {total}; cao nhất {most} vào {when}.",
        "{total} in total; the highest is {most}, {when}.",
    ),
    "described_most": ("Cao nhất {most} vào {when}.", "The highest is {most}, {when}."),
    "described_mean": ("Trung bình mỗi ngày, trừ hôm nay: {mean}.", "Mean before today: {mean}."),
    "described_before": ("Kỳ trước: {total}.", "The period before: {total}."),
    "described_none": ("Chưa có lượt đọc nào.", "No reads yet."),
    "described_bars": ("Nhiều nhất: {name}, {number}.", "The most: {name}, {number}."),
    "described_heat": (
        "Cao nhất: {when}, trung bình {number} lượt đọc.",
        "Highest: {when}, {number} reads on average.",
    ),
    # an article
    "article_figures": ("Số liệu của bài viết", "Figures of the article"),
    "read_article": ("Đọc bài viết", "Read the article"),
    "published": ("Đăng lúc {moment}", "Published {moment}"),
    "since_publication": ("Từ khi đăng, {step}", "Since its publication, {step}"),
    "how": ("Chúng tôi đếm thế nào", "How we count"),
    "how_read": (
        "Một lượt đọc là một lần một người mở bài viết này khi bài đang được đăng. Trang báo lượt "
        "đọc khi bài thật sự hiện ra trước mắt người đọc; mỗi lượt được đếm đúng một lần, kể cả "
        "khi máy chủ gặp sự cố.",
        "A read is one view of this article by a person while the article is public. The page "
        "reports it once the article is really shown; each read is counted exactly once, also "
        "when a server fails.",
    ),
    "how_filtered": (
        "Không đếm: máy tìm kiếm và rô-bốt; trình duyệt tải trước mà chưa ai xem; lượt do trang "
        "khác gửi; cùng một người tải lại trang trong thời gian ngắn; quá nhiều lượt từ một địa "
        "chỉ. Những lượt này bị lọc ra và ghi riêng trong bảng dưới đây.",
        "Not counted: robots; pages that a browser fetches ahead and nobody views; reads that "
        "another site sends; reloads by the same person within a short time; too many reads from "
        "one address. They are filtered, and noted in the table below.",
    ),
    "how_private": (
        "Không dùng cookie, không lưu địa chỉ IP. Tên trình duyệt, không kèm phiên bản hay kiểu "
        "máy, chỉ được giữ khoảng ba ngày, để có thể lọc lại rô-bốt.",
        "There are no cookies, and addresses are not stored. The name of the browser, without "
        "version or model, is kept for about three days, so that robots can be filtered again.",
    ),
    "how_baseline": (
        "Tổng số gồm {number} lượt đọc từ hệ thống trước, được cộng thêm mà không nằm trong các "
        "biểu đồ.",
        "The total includes {number} reads from an earlier system, which the plots leave out.",
    ),
    "books": ("Sổ sách của bài viết", "The article's books"),
    "class": ("Loại lượt đọc", "Class of reads"),
    "counted": ("Đã đếm", "Counted"),
    "filtered": ("Đã lọc", "Filtered"),
    "accepted": ("Đã nhận", "Accepted"),
    "number": ("Số lượt", "Number"),
    "data": ("Dữ liệu", "Data"),
    "as_json": ("Số liệu dạng JSON", "The figures as JSON"),
    "every_read": ("Mọi lượt đọc theo 15 phút (CSV)", "All reads by quarter of an hour (CSV)"),
    # errors
    "error": ("Lỗi {status}", "Error {status}"),
    "error_404": ("Không có bài viết này", "There is no such article"),
    "text_404": (
        "Không có bài viết nào mang mã này, hoặc bài chưa từng được đăng.",
        "No article has this id, or it was never published.",
    ),
    "error_410": ("Bài viết đã được gỡ", "The article was withdrawn"),
    "text_410": (
        "Bài viết này không còn trên trang, nên số liệu của nó cũng không được hiển thị.",
        "This article is no longer public, so its figures are not shown.",
    ),
    "error_503": ("Tạm thời không xem được", "Not available at the moment"),
    "text_503": (
        "Máy chủ đang bận, mời bạn thử lại sau ít phút.",
        "The server is busy. Please try again in a few minutes.",
    ),
    "all_figures": ("Xem thống kê chung", "See all statistics"),
}
"""{key: (Vietnamese, English)}; names in braces are filled in."""
