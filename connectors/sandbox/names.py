"""How often an invented citizen bears which name: tables of our own making, in rough proportion to daily life.

Each table pairs a name with a weight. The empty middle name is a name without one. Both ways of placing a tone
mark (Hòa, Hoà) are entries of their own, because both are written on real papers.
"""

from __future__ import annotations

from dataclasses import dataclass

Table = tuple[tuple[str, int], ...]

KINH_FAMILY: Table = (
    ("Nguyễn", 340), ("Trần", 115), ("Lê", 98), ("Phạm", 72), ("Hoàng", 38), ("Huỳnh", 32), ("Phan", 42),
    ("Vũ", 36), ("Võ", 32), ("Đặng", 24), ("Bùi", 22), ("Đỗ", 18), ("Hồ", 15), ("Ngô", 15), ("Dương", 12),
    ("Đinh", 9), ("Đoàn", 9), ("Lý", 7), ("Lương", 7), ("Trương", 12), ("Đào", 7), ("Mai", 6), ("Trịnh", 7),
    ("Hà", 6), ("Cao", 6), ("Tạ", 5), ("Lâm", 5), ("Tô", 4), ("Phùng", 5), ("Châu", 3), ("Quách", 2), ("Thái", 4),
    ("Tống", 2), ("Chu", 3), ("Kiều", 2), ("La", 2), ("Vương", 3), ("Tôn", 1), ("Văn", 2), ("Ông", 1), ("Doãn", 1),
)  # fmt: skip

# Born before 1980: the plain middle names rule.
KINH_MIDDLE_MALE_OLD: Table = (
    ("Văn", 520), ("", 20), ("Đình", 40), ("Hữu", 45), ("Xuân", 40), ("Ngọc", 40), ("Công", 30), ("Đức", 35),
    ("Quang", 35), ("Bá", 20), ("Viết", 15), ("Trọng", 20), ("Thanh", 35), ("Minh", 35), ("Thế", 20), ("Huy", 10),
)  # fmt: skip
KINH_MIDDLE_MALE_YOUNG: Table = (
    ("Văn", 200), ("", 15), ("Minh", 90), ("Đức", 70), ("Quang", 65), ("Anh", 55), ("Hoàng", 65), ("Gia", 45),
    ("Quốc", 50), ("Tuấn", 45), ("Thanh", 45), ("Duy", 45), ("Hữu", 35), ("Ngọc", 40), ("Thành", 35), ("Công", 25),
    ("Trọng", 20), ("Đình", 25), ("Xuân", 20), ("Tiến", 25), ("Mạnh", 20), ("Hồng", 12), ("Nhật", 18), ("Hải", 15),
    ("Minh Gia", 2), ("Hoàng Anh", 4), ("Nguyễn Minh", 3), ("Trần Quốc", 2),
)  # fmt: skip
KINH_MIDDLE_FEMALE_OLD: Table = (
    ("Thị", 760), ("", 10), ("Thị Thanh", 25), ("Thị Kim", 30), ("Thị Ngọc", 25), ("Thị Hồng", 25), ("Ngọc", 25),
    ("Kim", 30), ("Thanh", 20), ("Thị Thu", 20), ("Thị Bích", 15), ("Mỹ", 10), ("Xuân", 8),
)  # fmt: skip
KINH_MIDDLE_FEMALE_YOUNG: Table = (
    ("Thị", 280), ("", 12), ("Ngọc", 80), ("Thị Thu", 45), ("Thị Thanh", 35), ("Thị Ngọc", 40), ("Thu", 45),
    ("Phương", 55), ("Khánh", 40), ("Minh", 50), ("Bảo", 40), ("Quỳnh", 45), ("Thùy", 40), ("Thuỳ", 12), ("Kim", 40),
    ("Thanh", 45), ("Như", 30), ("Hoài", 25), ("Bích", 20), ("Diệu", 22), ("Mỹ", 25), ("Thị Kim", 25), ("Tường", 8),
    ("Nguyễn Bảo", 4), ("Hoàng Khánh", 3), ("Thị Mỹ", 10), ("Ánh", 15),
)  # fmt: skip

KINH_GIVEN_MALE: Table = (
    ("Hùng", 50), ("Dũng", 46), ("Tuấn", 52), ("Minh", 46), ("Nam", 40), ("Hải", 42), ("Long", 34), ("Sơn", 36),
    ("Thắng", 36), ("Đức", 34), ("Cường", 38), ("Huy", 34), ("Hiếu", 34), ("Khánh", 20), ("Phong", 26), ("Quân", 26),
    ("Tùng", 28), ("Trung", 34), ("Thành", 36), ("Bình", 30), ("An", 18), ("Anh", 34), ("Bảo", 24), ("Khoa", 24),
    ("Khang", 20), ("Kiên", 22), ("Lâm", 22), ("Lộc", 18), ("Mạnh", 22), ("Nghĩa", 18), ("Nhân", 18), ("Phát", 18),
    ("Phúc", 24), ("Phước", 16), ("Quang", 26), ("Quý", 16), ("Tài", 24), ("Tâm", 20), ("Tân", 16), ("Thiện", 16),
    ("Thịnh", 18), ("Tiến", 24), ("Toàn", 24), ("Toản", 6), ("Trí", 16), ("Tú", 22), ("Việt", 22), ("Vinh", 22),
    ("Vũ", 20), ("Hòa", 22), ("Hoà", 10), ("Thủy", 4), ("Thuỷ", 2), ("Đạt", 26), ("Đông", 12), ("Định", 10),
    ("Giang", 14), ("Hậu", 14), ("Hoàng", 26), ("Linh", 14), ("Luân", 10), ("Nhật", 12), ("Thọ", 12), ("Xuân", 8),
    ("Chiến", 16), ("Chung", 10), ("Công", 12), ("Duy", 16), ("Khải", 12), ("Khôi", 10), ("Lực", 8), ("Ngọc", 12),
)  # fmt: skip
KINH_GIVEN_FEMALE: Table = (
    ("Lan", 40), ("Hương", 44), ("Hoa", 38), ("Hằng", 38), ("Hạnh", 36), ("Hà", 40), ("Hồng", 36), ("Huệ", 24),
    ("Huyền", 34), ("Linh", 44), ("Loan", 26), ("Mai", 38), ("Nga", 32), ("Ngân", 28), ("Ngọc", 34), ("Nhung", 28),
    ("Oanh", 20), ("Phương", 42), ("Phượng", 24), ("Quyên", 20), ("Quỳnh", 26), ("Thảo", 42), ("Thanh", 28),
    ("Thu", 34), ("Thủy", 34), ("Thuỷ", 12), ("Thúy", 28), ("Thuý", 10), ("Trang", 42), ("Trinh", 20), ("Tuyết", 26),
    ("Vân", 34), ("Vy", 18), ("Yến", 30), ("Anh", 42), ("Ánh", 20), ("Bích", 14), ("Chi", 26), ("Châu", 18),
    ("Cúc", 14), ("Diệp", 12), ("Diễm", 12), ("Dung", 30), ("Đào", 14), ("Điệp", 8), ("Giang", 20), ("Hân", 16),
    ("Hiền", 34), ("Hoài", 14), ("Hòa", 18), ("Hoà", 8), ("Kiều", 10), ("Lệ", 14), ("Liên", 26), ("Liễu", 10),
    ("Ly", 14), ("Lý", 10), ("Minh", 14), ("My", 18), ("Na", 8), ("Nguyệt", 20), ("Nhi", 24), ("Như", 20),
    ("Sen", 10), ("Sương", 12), ("Tâm", 22), ("Thắm", 12), ("Thoa", 16), ("Thơm", 12), ("Thư", 22), ("Tiên", 14),
    ("Trâm", 20), ("Trúc", 14), ("Tú", 12), ("Uyên", 18), ("Xuân", 16), ("Lụa", 6), ("Khoẻ", 1), ("Khỏe", 1),
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Community:
    """A minority community's names, and the provinces where a share of people bear them.

    `family_first` is false where names do not split into family, middle and given: registers then keep the whole
    name in the last field. `single_word` is the share of people with one word for a name.
    """

    name: str
    share_by_province: dict[str, float]
    family: Table
    middle_male: Table
    middle_female: Table
    given_male: Table
    given_female: Table
    single_word: float = 0.0
    family_first: bool = True


COMMUNITIES: tuple[Community, ...] = (
    Community(
        name="Mông",
        share_by_province={"002": 0.34, "011": 0.36, "010": 0.25, "012": 0.22, "014": 0.15, "015": 0.10, "004": 0.10},
        family=(("Giàng", 20), ("Vàng", 18), ("Sùng", 16), ("Thào", 14), ("Lầu", 12), ("Mùa", 10), ("Hạng", 8),
                ("Tráng", 6), ("Cứ", 5), ("Lý", 10), ("Vừ", 8), ("Hờ", 5)),
        middle_male=(("A", 85), ("Seo", 20), ("Mí", 18), ("Chá", 4), ("Văn", 5)),
        middle_female=(("Thị", 90), ("Seo", 8), ("", 6)),
        given_male=(("Páo", 12), ("Sử", 10), ("Dơ", 10), ("Chứ", 9), ("Tủa", 9), ("Sáu", 8), ("Phử", 7), ("Lềnh", 7),
                    ("Chu", 8), ("Pó", 7), ("Vảng", 6), ("Sình", 8), ("Của", 6), ("Già", 5), ("Nủ", 5)),
        given_female=(("Mỷ", 12), ("Dở", 10), ("Chá", 8), ("Sua", 9), ("Pàng", 8), ("Say", 8), ("Mai", 8), ("Dúa", 7),
                      ("Mị", 8), ("Xi", 6), ("Già", 6), ("Sính", 6), ("Máy", 7)),
        single_word=0.05,
    ),
    Community(
        name="Tày, Nùng",
        share_by_province={"004": 0.70, "006": 0.55, "020": 0.72, "008": 0.25, "019": 0.15, "002": 0.28, "010": 0.15},
        family=(("Nông", 30), ("Hoàng", 26), ("Ma", 12), ("Bế", 8), ("Đàm", 8), ("Triệu", 9), ("Lương", 9), ("Vi", 10),
                ("Lã", 5), ("Hứa", 6), ("Long", 3), ("Lục", 5), ("Linh", 2)),
        middle_male=(("Văn", 60), ("Đức", 10), ("Quốc", 8), ("Minh", 8), ("Đình", 6)),
        middle_female=(("Thị", 75), ("Thu", 6), ("Bích", 5), ("Hồng", 5)),
        given_male=KINH_GIVEN_MALE,
        given_female=KINH_GIVEN_FEMALE,
    ),
    Community(
        name="Thái, Mường",
        share_by_province={"014": 0.58, "011": 0.38, "012": 0.32, "017": 0.63, "038": 0.14, "040": 0.10, "015": 0.15},
        family=(("Lò", 24), ("Quàng", 14), ("Cà", 10), ("Lường", 10), ("Cầm", 6), ("Bạc", 4), ("Bùi", 22), ("Quách", 8),
                ("Đinh", 9), ("Hà", 8), ("Vi", 6), ("Lèo", 3), ("Tòng", 5)),
        middle_male=(("Văn", 85), ("Mạnh", 6), ("Đức", 6)),
        middle_female=(("Thị", 95), ("Hồng", 4)),
        given_male=(("Ín", 4), ("Pâng", 5), ("Thoan", 6), ("Hặc", 4), ("Inh", 6), ("Thiết", 6), ("Dũng", 8),
                    ("Phong", 6), ("Chựa", 3), ("Tuấn", 8), ("Ơn", 6), ("Xôm", 4)),
        given_female=(("Pánh", 5), ("Ón", 5), ("Lả", 6), ("Ính", 5), ("Hặc", 3), ("Xuân", 6), ("Hoa", 7), ("Chính", 5),
                      ("Thương", 6), ("Ban", 5), ("Lún", 4)),
        single_word=0.01,
    ),
    Community(
        name="Ê Đê, Gia Rai, Ba Na",
        share_by_province={"066": 0.20, "064": 0.40, "062": 0.48, "067": 0.12, "054": 0.05, "068": 0.12},
        family=(("Niê", 20), ("Mlô", 12), ("Byă", 10), ("Êban", 9), ("Ayŭn", 8), ("Siu", 14), ("Ksor", 12), ("Kpă", 9),
                ("Rơ Châm", 9), ("Rah Lan", 8), ("Rmah", 9)),
        middle_male=(("Y", 1),),
        middle_female=(("H'", 1),),
        given_male=(("Blin", 8), ("Thuyết", 6), ("Khoa", 6), ("Bhiu", 6), ("Wơn", 5), ("Nguyên", 7), ("Jut", 6),
                    ("Drao", 5), ("Luân", 5), ("Djŭ", 3)),
        given_female=(("Blin", 7), ("Hoa", 7), ("Lan", 7), ("Nga", 6), ("Bliăk", 5), ("Mrơi", 5), ("Rê", 5),
                      ("Yuôn", 5), ("Wih", 4), ("Ning", 5)),
        single_word=0.10,
        family_first=False,
    ),
    Community(
        name="Chăm",
        share_by_province={"058": 0.13, "060": 0.04, "089": 0.01},
        family=(("Bá", 12), ("Thành", 12), ("Đàng", 11), ("Lưu", 10), ("Chế", 6), ("Qua", 5), ("Quảng", 10), ("Từ", 8),
                ("Não", 5), ("Thập", 5), ("Kiều", 6)),
        middle_male=(("Văn", 40), ("Minh", 14), ("Ngọc", 14), ("Đình", 10), ("Năng", 8)),
        middle_female=(("Thị", 70), ("Thị Kim", 8), ("Nữ", 18)),
        given_male=(("Bảo", 6), ("Biển", 6), ("Đào", 4), ("Hải", 8), ("Sơn", 8), ("Xa Mách", 3), ("Sa Lếs", 3),
                    ("Hamít", 3), ("Tánh", 5), ("Klong", 3)),
        given_female=(("Hoa", 7), ("Nai", 5), ("Sa Ri Dah", 3), ("Rô Hi Mah", 3), ("Loan", 7), ("Thêm", 5), ("Xuân", 6),
                      ("Mưa", 4)),
        single_word=0.08,
    ),
    Community(
        name="Khmer",
        share_by_province={"084": 0.31, "094": 0.30, "091": 0.12, "095": 0.08, "089": 0.04, "086": 0.02},
        family=(("Thạch", 24), ("Sơn", 18), ("Kim", 14), ("Kiên", 10), ("Châu", 10), ("Danh", 18), ("Lâm", 8),
                ("Lý", 6), ("Trà", 3)),
        middle_male=(("", 30), ("Văn", 8), ("Hoàng", 8), ("Ngọc", 8), ("Minh", 8), ("Sóc", 4)),
        middle_female=(("Thị", 45), ("", 25), ("Sa", 6), ("Ngọc", 6)),
        given_male=(("Sà Rây", 6), ("Đa Rinh", 4), ("Rươl", 5), ("Phol", 5), ("Thol", 6), ("Sóc Kha", 4), ("Phước", 7),
                    ("Sa Vươl", 4), ("Khêm", 5), ("Út", 8)),
        given_female=(("Sô Phia", 6), ("Sa Rương", 5), ("Ni", 6), ("Sóc Kha", 4), ("Đa Ni", 5), ("Sà Phi", 4),
                      ("Hên", 6), ("Út", 8), ("Phương", 7), ("Lan", 7)),
        single_word=0.04,
    ),
)  # fmt: skip
