"""The kind of a device, by user agents as they are sent."""

import pytest

from services.ingest.reads.devices import device_of

SAFARI = "AppleWebKit/605.1.15 (KHTML, like Gecko)"
CHROME = "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0"
CASES = {
    "mobile": [
        f"Mozilla/5.0 (Linux; Android 10; K) {CHROME} Mobile Safari/537.36",
        f"Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) {SAFARI} Version/18.1 "
        "Mobile/15E148 Safari/604.1",
        "Mozilla/5.0 (Android 15; Mobile; rv:140.0) Gecko/140.0 Firefox/140.0",
        f"Mozilla/5.0 (Linux; Android 13; CUBOT KINGKONG) {CHROME} Mobile Safari/537.36",
        "Opera/9.80 (Android; Opera Mini/36.2/191.249; U; vi) Presto/2.12.423 Version/12.16",
        "Mozilla/5.0 (Windows Phone 10.0; Android 6.0.1; Microsoft; Lumia 950) Edge/15.15254",
        "Nokia6300/2.0 (05.50) Profile/MIDP-2.0 Configuration/CLDC-1.1",
        "Dalvik/2.1.0 (Linux; U; Android 14; SM-A546E Build/UP1A)",
        "Mozilla/5.0 (Phone; OpenHarmony 5.0) AppleWebKit/537.36 ArkWeb/4.1 Mobile",
        "Mozilla/5.0 (Maemo; Linux armv7l) Gecko/20101221 Fennec/4.0b3pre",
    ],
    "tablet": [
        f"Mozilla/5.0 (iPad; CPU OS 12_5 like Mac OS X) {SAFARI} Version/12.1 Mobile/15E148",
        f"Mozilla/5.0 (Linux; Android 14; SM-X710) {CHROME} Safari/537.36",
        f"Mozilla/5.0 (Linux; Android 9; SM-T515) {CHROME} Mobile Safari/537.36",
        "Mozilla/5.0 (Android 15; Tablet; rv:140.0) Gecko/140.0 Firefox/140.0",
        "Mozilla/5.0 (Tablet; OpenHarmony 5.0) AppleWebKit/537.36 ArkWeb/4.1",
        f"Mozilla/5.0 (Linux; Android 9; KFMAWI Build/PS7; wv) {CHROME} Mobile Safari/537.36",
        "Mozilla/5.0 (PlayBook; U; RIM Tablet OS 2.1.0) AppleWebKit/536.2+ Version/7.2.1.0",
        f"Mozilla/5.0 (Linux; U) {CHROME} Silk/3.68 like Chrome/39 Safari/535.19",
        f"Mozilla/5.0 (Linux; Android 11; KFTRWI Build/RS8332) {CHROME} Silk/142 Safari/537.36",
    ],
    "desktop": [
        f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {CHROME} Safari/537.36",
        f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {CHROME} Safari/537.36 coc_coc_browser/130.0",
        f"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) {SAFARI} Version/18.1 Safari/605.1.15",
        "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
        f"Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) {CHROME} Safari/537.36",
        "Mozilla/5.0 (compatible; MSIE 9.0; Windows NT 6.1; Trident/5.0; Tablet PC 2.0)",
        "Mozilla/5.0 (Haiku x86_64) AppleWebKit/613 (KHTML, like Gecko) WebPositive/1.3",
    ],
    "other": [
        "",
        "Mozilla/5.0",
        f"Mozilla/5.0 (SMART-TV; LINUX; Tizen 6.0) {CHROME} SamsungBrowser/4.0 TV Safari/537.36",
        f"Mozilla/5.0 (Web0S; Linux/SmartTV) {CHROME} Safari/537.36 WebAppManager",
        f"Mozilla/5.0 (Linux; Android 9; BRAVIA 4K UR2) {CHROME} Safari/537.36",
        "Mozilla/5.0 (PlayStation; PlayStation 5/10.00) AppleWebKit/605.1.15",
        f"Mozilla/5.0 (Windows NT 10.0; Win64; x64; Xbox; Xbox One) {CHROME} Safari/537.36 Edge/44",
        f"Mozilla/5.0 (Linux; Android TV 12; ADT-3) {CHROME} Safari/537.36",
        f"Mozilla/5.0 (Linux; Android 7.1.2; AFTMM Build/NS6281; wv) {CHROME} Mobile Safari/537.36",
        f"Mozilla/5.0 (Linux; Android 13; WearOS 4) {CHROME} Mobile Safari/537.36",
        "News/1.0 CFNetwork/1410 Darwin/22.6.0",
    ],
}


@pytest.mark.parametrize(
    ("agent", "device"), [(agent, device) for device, agents in CASES.items() for agent in agents]
)
def test_an_agent_names_its_kind_of_device(agent: str, device: str) -> None:
    assert device_of(agent.encode()) == (device, False)


PHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148"


@pytest.mark.parametrize(
    "app",
    [
        "[FBAN/FBIOS;FBAV/490.0.0.42.101;FBBV/1;FBDV/iPhone15,2]", "[FB_IAB/FB4A;FBAV/490.0]",
        "Zalo iOS/645 ZaloTheme/light", "Instagram 356.0.0", "Barcelona 360.0",
        "musical_ly_37.2.0 BytedanceWebview/d8a21c6", "trill_370204", "Line/14.19.0",
        "MicroMessenger/8.0.53", "Viber/24.1", "[LinkedInApp]/9.30", "[Pinterest/iOS]",
        "Snapchat/13.16", "Twitter for iPhone/10.69", "KAKAOTALK 25.1",
        "GapoApp/3.1", "Reddit/Version 2025.40",
    ],
)  # fmt: skip
def test_the_browser_of_a_social_app_is_told(app: str) -> None:
    assert device_of(f"{PHONE} {app}".encode()) == ("mobile", True)


@pytest.mark.parametrize(
    "more",
    [
        "Safari/604.1",
        "OnLine/2",
        "coc_coc_browser/130",
        "GSA/342.0",
        "Timeline/3",
        "Agapo/1",
        "Inline/7",
    ],
)
def test_other_browsers_are_not(more: str) -> None:
    assert device_of(f"{PHONE} {more}".encode()) == ("mobile", False)


def test_only_the_beginning_of_an_agent_is_looked_at() -> None:
    assert device_of(b"x" * 506 + b"iPhone") == ("mobile", False)
    assert device_of(b"x" * 507 + b"iPhone") == ("other", False)
