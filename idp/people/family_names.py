"""Family names that tell where the family name of a whole name is. No list of all: most people need none of these."""

from __future__ import annotations

# Ê Đê, Gia Rai and Mnông clans. They stand behind the given name, and are no Vietnamese syllables.
CLANS = frozenset((
    "niê", "mlô", "êban", "ayŭn", "ênuôl", "byă", "ksor", "kpă", "rmah", "rcom", "kbuôr", "hđơk", "hmok", "bkrông",
))  # fmt: skip
# Hardly anybody has one of these as a middle or given name: it is the family name wherever it stands.
ANYWHERE = CLANS | frozenset((
    "nguyễn", "trần", "phạm", "huỳnh", "phan", "võ", "đặng", "bùi", "đỗ", "ngô", "trịnh", "đoàn", "trương",
))  # fmt: skip
# These are middle and given names as well, and family names in front alone.
IN_FRONT = ANYWHERE | frozenset((
    "lê", "hoàng", "vũ", "hồ", "dương", "đinh", "lý", "lương", "đào", "mai", "hà", "cao", "tạ", "lâm", "tô", "phùng",
    "châu", "quách", "thái", "tống", "chu", "kiều", "la", "vương", "tôn", "văn", "ông", "doãn", "lưu", "triệu", "nông",
    "bế", "hứa", "lục", "đàm", "lò", "quàng", "lường", "cầm", "giàng", "vàng", "sùng", "thào", "thạch", "danh", "siu",
))  # fmt: skip
OF_TWO_WORDS = frozenset(("tôn nữ", "tôn thất", "âu dương", "rơ châm", "rah lan"))
# Of two words where a middle and a given name are left; in a shorter name the second word is a middle name.
OF_TWO_WORDS_IF_LONG = frozenset(("nguyễn phước", "nguyễn phúc"))
