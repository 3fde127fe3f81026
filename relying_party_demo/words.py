"""Every word that a person reads here, in Vietnamese and English."""

from __future__ import annotations

LANGUAGES = ("vi", "en")  # the first is the default

WORDS: dict[str, tuple[str, str]] = {
    "skip": ("Đến nội dung chính", "Skip to the main content"),
    "demo": ("Cổng minh họa, dữ liệu giả định", "A demonstration portal with invented data"),
    "navigation": ("Điều hướng", "Navigation"),
    "home": ("Trang chủ", "Home"),
    "me": ("Thông tin của tôi", "About me"),
    "sign_in": ("Đăng nhập", "Sign in"),
    "sign_out": ("Đăng xuất", "Sign out"),
    "in_language": ("English", "Tiếng Việt"),
    "hello": ("Xin chào", "Hello"),
    "nameless": ("Người dùng", "Visitor"),
    "kind.ministry": ("Cổng dịch vụ công của bộ", "A ministry's service portal"),
    "kind.province": ("Cổng dịch vụ công của tỉnh", "A province's service portal"),
    "lead": (
        "Đăng nhập một lần bằng danh tính bạn đã có. Không cần tạo tài khoản mới.",
        "Sign in once, with an identity you already have. No new account is needed.",
    ),
    "lead_in": ("Bạn đã đăng nhập. Chọn dịch vụ bên dưới.", "You are signed in. Choose a service below."),
    "services": ("Dịch vụ", "Services"),
    "services.organisation": ("Cho bạn hoặc cho doanh nghiệp của bạn", "For yourself or for your business"),
    "services.none": ("Hiện chưa có dịch vụ nào.", "There are no services at present."),
    "level": ("Mức bảo đảm", "Assurance level"),
    "needs": ("Cần mức", "Needs level"),
    "more_proof": (
        "Dịch vụ này cần xác thực mạnh hơn. Bạn sẽ được hỏi thêm khi mở.",
        "This service needs stronger proof. You will be asked for it when you open it.",
    ),
    "me.lead": (
        "Đây là tất cả những gì cổng này nhận được về bạn khi bạn đăng nhập.",
        "This is everything this portal received about you when you signed in.",
    ),
    "me.claims": ("Thông tin nhận được", "What was received"),
    "me.none": ("Không nhận được thông tin nào ngoài mã định danh.", "Nothing was received besides the identifier."),
    "me.sign_in": ("Lần đăng nhập này", "This sign-in"),
    "me.sub": ("Mã của bạn tại cổng này", "Your identifier at this portal"),
    "me.sub.why": (
        "Cổng khác thấy một mã khác, nên không thể ghép thông tin về bạn.",
        "Other portals see another one, so they cannot join what they know about you.",
    ),
    "me.source": ("Nguồn xác thực", "Identity source"),
    "me.auth_time": ("Xác thực lúc", "Authenticated at"),
    "me.not_said": ("không được cho biết", "not said"),
    "me.technical": ("Chi tiết kỹ thuật", "Technical details"),
    "me.userinfo": ("Trả lời của userinfo (JSON)", "The userinfo answer (JSON)"),
    "me.header": ("id_token: phần đầu", "id_token: header"),
    "me.payload": ("id_token: nội dung", "id_token: payload"),
    "service.open": ("Bạn đã vào được dịch vụ này.", "You are in: this service is open to you."),
    "service.level": ("Bạn đang ở mức", "You are at level"),
    "service.acting": ("Bạn đang làm cho:", "You are acting for:"),
    "service.myself": ("chính bạn", "yourself"),
    "service.tax_code": ("mã số thuế", "tax code"),
    "service.act_for": ("Đổi người hoặc doanh nghiệp", "Act for somebody else"),
    "service.more": (
        "Đây là nơi hồ sơ của bạn sẽ bắt đầu. Trong bản minh họa này không có gì được gửi đi.",
        "This is where your application would begin. In this demonstration nothing is sent.",
    ),
    "signed_out": ("Bạn đã đăng xuất", "You are signed out"),
    "signed_out.everywhere": (
        "Bạn đã rời cổng này và dịch vụ đăng nhập chung.",
        "You have left this portal and the shared sign-in service.",
    ),
    "signed_out.here": (
        "Bạn đã rời cổng này. Dịch vụ đăng nhập chung có thể vẫn còn mở: nếu dùng máy chung, hãy đóng trình duyệt.",
        "You have left this portal. The shared sign-in may still be open: on a shared computer, close the browser.",
    ),
    "try_again": ("Thử lại", "Try again"),
    "go_home": ("Về trang chủ", "Go to the home page"),
    "code": ("Mã lỗi", "Error code"),
}

# code -> (title, what to do), each in both languages
FAILURES: dict[str, tuple[tuple[str, str], tuple[str, str]]] = {
    "access_denied": (
        ("Việc đăng nhập đã dừng lại", "The sign-in was stopped"),
        (
            (
                "Bạn hoặc nguồn xác thực đã dừng việc này; không có thông tin nào được gửi đến cổng này."
                " Bạn có thể thử lại bất cứ lúc nào, cũng có thể chọn nguồn xác thực khác."
            ),
            (
                "You or the identity source stopped it; nothing was sent to this portal."
                " You can try again at any time, also with another identity source."
            ),
        ),
    ),
    "level_not_reached": (
        ("Cần xác thực mạnh hơn", "Stronger proof is needed"),
        (
            (
                "Nguồn xác thực vừa dùng chưa đạt mức mà dịch vụ này yêu cầu. Hãy thử lại với nguồn có mức cao hơn,"
                " ví dụ chứng thư số, hoặc đến bộ phận một cửa."
            ),
            (
                "The identity source you used does not reach the level that this service needs."
                " Try again with a stronger one, such as a certificate, or visit a one-stop office."
            ),
        ),
    ),
    "sign_in_needed": (
        ("Cần đăng nhập lại", "Please sign in again"),
        (
            "Dịch vụ đăng nhập cần hỏi bạn thêm. Hãy bấm “Thử lại” và làm theo hướng dẫn.",
            "The sign-in service needs to ask you something. Choose “Try again” and follow the steps.",
        ),
    ),
    "provider_busy": (
        ("Dịch vụ đăng nhập đang bận", "The sign-in service is busy"),
        (
            "Hãy đợi một phút rồi thử lại. Bạn không làm gì sai.",
            "Wait a minute, then try again. You did nothing wrong.",
        ),
    ),
    "provider_unreachable": (
        ("Chưa kết nối được dịch vụ đăng nhập", "The sign-in service cannot be reached"),
        (
            "Cổng này vẫn hoạt động, nhưng hiện không liên lạc được với dịch vụ đăng nhập. Hãy thử lại sau ít phút.",
            "This portal is up, but it cannot reach the sign-in service right now. Try again in a few minutes.",
        ),
    ),
    "portal_not_ready": (
        ("Cổng này chưa sẵn sàng", "This portal is not ready"),
        (
            "Việc đăng ký của cổng này với dịch vụ đăng nhập chưa xong. Hãy thử lại sau ít phút.",
            "This portal's registration with the sign-in service is not complete. Try again in a few minutes.",
        ),
    ),
    "request_refused": (
        ("Dịch vụ đăng nhập không nhận yêu cầu", "The sign-in service refused the request"),
        (
            "Lỗi nằm ở cổng này, không phải ở bạn. Nếu thử lại vẫn không được, hãy báo cho đơn vị quản lý cổng.",
            "The fault is this portal's, not yours. If trying again does not help, tell the people who run the portal.",
        ),
    ),
    "untrusted_answer": (
        ("Không thể tin câu trả lời nhận được", "The answer could not be trusted"),
        (
            "Câu trả lời của dịch vụ đăng nhập không vượt qua kiểm tra an toàn, nên không được dùng. Hãy thử lại.",
            "The sign-in service's answer did not pass our safety checks, so it was not used. Please try again.",
        ),
    ),
    "sign_in_expired": (
        ("Lượt đăng nhập này không còn dùng được", "This sign-in can no longer be used"),
        (
            "Lượt này đã được dùng, đã quá lâu, hoặc được bắt đầu trong trình duyệt khác. Hãy đăng nhập lại từ đầu.",
            "It was used already, took too long, or was begun in another browser. Please start again.",
        ),
    ),
    "bad_request": (
        ("Không thực hiện được yêu cầu", "That could not be done"),
        ("Hãy về trang chủ và thử lại từ đó.", "Go to the home page and try again from there."),
    ),
    "not_found": (
        ("Không có trang này", "There is no such page"),
        ("Địa chỉ có thể đã cũ hoặc gõ nhầm.", "The address may be old or mistyped."),
    ),
    "internal": (
        ("Cổng này gặp lỗi", "This portal made a mistake"),
        ("Lỗi đã được ghi lại. Hãy thử lại sau ít phút.", "It has been noted. Try again in a few minutes."),
    ),
}

# The order is the order on the page.
CLAIM_LABELS: dict[str, tuple[str, str]] = {
    "name": ("Họ và tên", "Full name"),
    "family_name": ("Họ", "Family name"),
    "middle_name": ("Chữ đệm", "Middle name"),
    "given_name": ("Tên", "Given name"),
    "birthdate": ("Ngày sinh", "Date of birth"),
    "gender": ("Giới tính", "Sex"),
    "personal_number": ("Số định danh cá nhân", "Personal identification number"),
    "HoVaTen": ("Họ và tên (HoVaTen)", "Full name (HoVaTen)"),
    "SoDinhDanh": ("Số định danh (SoDinhDanh)", "Personal number (SoDinhDanh)"),
    "NgayThangNamSinh": ("Ngày sinh (NgayThangNamSinh)", "Date of birth (NgayThangNamSinh)"),
    "email": ("Thư điện tử", "E-mail"),
    "email_verified": ("Thư điện tử đã xác minh", "E-mail verified"),
    "phone_number": ("Số điện thoại", "Telephone"),
    "phone_number_verified": ("Số điện thoại đã xác minh", "Telephone verified"),
    "address": ("Địa chỉ", "Address"),
    "org_name": ("Tổ chức bạn làm thay", "Organisation you act for"),
    "org_tax_code": ("Mã số thuế của tổ chức", "Its tax code"),
    "org_role": ("Chức vụ của bạn ở đó", "Your position there"),
    "org_authority": ("Tư cách của bạn", "Why you may act for it"),
    "org_until": ("Đến hết ngày", "Until"),
    "locale": ("Ngôn ngữ", "Language"),
    "updated_at": ("Cập nhật lúc", "Updated at"),
}

SOURCE_KINDS: dict[str, tuple[str, str]] = {
    "banking": ("Ngân hàng", "Bank"),
    "population": ("Cơ sở dữ liệu dân cư", "Population register"),
    "tax": ("Thuế", "Tax authority"),
    "insurance": ("Bảo hiểm xã hội", "Social insurance"),
    "business": ("Đăng ký doanh nghiệp", "Business register"),
    "certificate": ("Chứng thư số", "Digital certificate"),
}

LEVEL_WORDS: dict[str, tuple[str, str]] = {
    "LoA1": ("cơ bản", "basic"),
    "LoA2": ("trung bình", "medium"),
    "LoA3": ("cao", "high"),
    "LoA4": ("rất cao", "very high"),
}


def say(key: str, language: str) -> str:
    return WORDS[key][LANGUAGES.index(language)]
