"""The message ids that other rooms hand to a page, so that a wrong one is a type error and not an odd page."""

from __future__ import annotations

from enum import StrEnum


class Banner(StrEnum):
    """What the choice page says above the choices; every one may name the source."""

    CANCELLED = "banner.cancelled"
    SOURCE_DOWN = "banner.source_down"
    SOURCE_REFUSED = "banner.source_refused"
    TOO_WEAK = "banner.too_weak"
    SWITCHED = "banner.switched"
    SIGN_IN_AGAIN = "banner.sign_in_again"
    TOO_OFTEN = "banner.too_often"
    NO_CERTIFICATE = "banner.no_certificate"


class NamedItself(StrEnum):
    """What is said of a portal that chose its name itself, by what its answers go to; the place is named."""

    SITE = "portal.named_itself_site"
    APP = "portal.named_itself_app"
    DEVICE = "portal.named_itself_device"


class Reason(StrEnum):
    """Why a source cannot be chosen this time."""

    LEVEL = "reason.level"
    DOWN = "reason.down"
    PAUSED = "reason.paused"
    NOT_ACCEPTED = "reason.not_accepted"


class ClaimLabel(StrEnum):
    """What a claim is called to the person it is about; `claim.` and the claim's name on the wire where it has one."""

    SUB = "claim.sub"
    NAME = "claim.name"
    FAMILY_NAME = "claim.family_name"
    MIDDLE_NAME = "claim.middle_name"
    GIVEN_NAME = "claim.given_name"
    BIRTHDATE = "claim.birthdate"
    GENDER = "claim.gender"
    PLACE_OF_BIRTH = "claim.place_of_birth"
    NATIONALITY = "claim.nationality"
    PERSONAL_NUMBER = "claim.personal_number"
    FORMER_NUMBER = "claim.former_number"
    TAX_CODE = "claim.tax_code"
    INSURANCE_NUMBER = "claim.insurance_number"
    HEALTH_CARD = "claim.health_card"
    PASSPORT = "claim.passport"
    EMAIL = "claim.email"
    EMAIL_VERIFIED = "claim.email_verified"
    PHONE_NUMBER = "claim.phone_number"
    PHONE_NUMBER_VERIFIED = "claim.phone_number_verified"
    ADDRESS = "claim.address"
    NICKNAME = "claim.nickname"
    PREFERRED_USERNAME = "claim.preferred_username"
    PROFILE = "claim.profile"
    PICTURE = "claim.picture"
    WEBSITE = "claim.website"
    ZONEINFO = "claim.zoneinfo"
    LOCALE = "claim.locale"
    DETAILS = "claim.details"
    ENTERPRISE_CODE = "claim.enterprise_code"
    ORGANISATION = "claim.organisation"
    ORGANISATION_ROLE = "claim.organisation_role"
    ORG_TAX_CODE = "claim.org_tax_code"
    ORG_NAME = "claim.org_name"
    ORG_ROLE = "claim.org_role"
    ORG_AUTHORITY = "claim.org_authority"
    ORG_UNTIL = "claim.org_until"
    VERIFIED_BY = "claim.verified_by"
    UPDATED_AT = "claim.updated_at"
    ACR = "claim.acr"
    AMR = "claim.amr"
    AUTH_TIME = "claim.auth_time"
    SOURCE_KIND = "claim.source_kind"


class FieldLabel(StrEnum):
    """What a connector may ask for on our own page (`connectors.base.Field.label_id`)."""

    ONE_TIME_CODE = "field.one_time_code"
    PERSONAL_NUMBER = "field.personal_number"
    INSURANCE_NUMBER = "field.insurance_number"
    INSURANCE_OR_PERSONAL_NUMBER = "field.insurance_or_personal_number"
    TAX_CODE = "field.tax_code"
    PHONE_NUMBER = "field.phone_number"
    USER_NAME = "field.user_name"
    PASSWORD = "field.password"


class Problem(StrEnum):
    """What was wrong with what was typed (`connectors.base.Ask.problem_id`)."""

    EMPTY = "problem.empty"
    WRONG_CODE = "problem.wrong_code"
    EXPIRED_CODE = "problem.expired_code"
    NOT_RECOGNISED = "problem.not_recognised"
    NOT_A_NUMBER = "problem.not_a_number"
    DEVICE_CODE = "problem.device_code"
    PHONE_NUMBER = "problem.phone_number"


class Lack(StrEnum):
    """Why the session on a phone cannot vouch for a computer yet."""

    SESSION = "phone.lack_session"
    LEVEL = "phone.lack_level"
    AGE = "phone.lack_age"


class Note(StrEnum):
    """What stands above the form (`connectors.base.Ask.note_id`), with the gaps that the connector fills."""

    CODE_SENT = "note.code_sent"


RESENDABLE = (Note.CODE_SENT,)  # what was sent can be sent once more

# On what authority somebody may act for an organisation, where there is a word for it.
AUTHORITIES = ("legal_representative", "authorised")

# The kinds of source that have a word and an icon of their own; any other is shown as "other".
SOURCE_KINDS = ("banking", "population", "tax", "insurance", "business", "certificate", "other")

LEVELS = (1, 2, 3, 4)
