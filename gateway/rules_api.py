"""Credit rules: their versions, and from which day on they hold where."""

from datetime import date, datetime
from typing import Annotated

from flask import Response
from flask_openapi3.blueprint import APIBlueprint
from pydantic import BaseModel, Field
from sqlalchemy.orm import Session as Db

from attendance.credit import PRESETS, Basis, CreditRule, Rounding, WrongRule
from attendance.rule_values import credit_rule
from gateway.api import said
from gateway.api_keys import Scope
from gateway.body import Body
from gateway.clock import Clock
from gateway.fields import Amount, Day, Exact, Id, Line
from gateway.reach import actor, check_unbound, client, named
from gateway.things import CHANGE, PLAN, ListQuery, NextAfter, blueprint, cut, kept
from ledger import rules
from ledger.database import Ledger
from ledger.refusals import Incomplete, Unknown
from ledger.rule_tables import RuleUseRow
from ledger.tables import RegionRow

Whole = Annotated[int, Field(ge=1, le=1_000_000)]


class TierBody(Body):
    """A session of at least so many scheduled net minutes gives so many units."""

    from_minutes: Whole
    units: Amount


class RuleBody(Body):
    """A version of a credit rule; what is left out is as the OpenAPI document says."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9-]{1,32}$", examples=["night-45"])]
    version: Whole
    unit: Line = Field(examples=["学时"])
    unit_minutes: Whole | None = Field(None, description="null when tiers say the units.")
    step: Amount | None = Field(None, description="In units; null when tiers say the units.")
    rounding: Rounding = Field("down", description="nearest: a half goes up.")
    first_unit_whole: bool = Field(False, description="Less than one whole unit gives nothing.")
    min_presence_percent: Amount | None = Field(None, description="null: 80.")
    basis: Basis = "actual"
    tiers: list[TierBody] = Field([], description="From the shortest session to the longest.")
    daily_cap: Amount | None = Field(None, description="Units per learner, rule and local date.")
    effective_from: Day


class Tier(BaseModel):
    """A session of at least so many scheduled net minutes gives so many units."""

    from_minutes: int
    units: Exact


class Rule(BaseModel):
    """A version of a credit rule."""

    name: str
    version: int
    preset: bool = Field(description="It came with the program.")
    unit: str
    unit_minutes: int | None
    step: Exact | None
    rounding: str
    first_unit_whole: bool
    min_presence_percent: Exact
    basis: str
    tiers: list[Tier]
    daily_cap: Exact | None
    effective_from: date


class Rules(BaseModel):
    """Some rules, in order of names and versions."""

    rules: list[Rule]
    next_after: NextAfter


class UseBody(Body):
    """Where a rule is to hold, and from when on."""

    rule: Id
    region: Id | None = Field(None, description="null: in every region.")
    course: Id | None = Field(None, description="null: for every course.")
    effective_from: Day


class RuleUse(BaseModel):
    """From a day on, a rule holds for a course, a region, or a course in a region; the closest one wins."""

    rule: str
    region: str | None
    course: str | None
    effective_from: date


class RuleUses(BaseModel):
    """Some uses, in the order of their days."""

    rule_uses: list[RuleUse]
    next_after: NextAfter


SCOPES: dict[str, Scope] = {
    "rules_api.versions": "plan:read",
    "rules_api.add_version": "plan:write",
    "rules_api.uses": "plan:read",
    "rules_api.use": "plan:write",
}


def rules_api(ledger: Ledger, clock: Clock) -> APIBlueprint:
    """Build the routes of credit rules."""
    api = blueprint("rules_api", PLAN, ledger, clock, SCOPES)

    @api.get("/rules", responses={200: Rules}, summary="List credit rules")
    def versions(query: ListQuery) -> Response:
        """Give every version of every rule, those that came with the program too."""
        with ledger.read() as db:
            known = [*PRESETS.values(), *rules.versions(db)]
        behind = sorted((rule for rule in known if _key(rule) > query.after), key=_key)
        page, next_after = cut(behind[: query.limit + 1], query.limit, _key)
        return said(Rules(rules=[_rule(rule) for rule in page], next_after=next_after))

    @api.post("/rules", responses={200: Rule, 201: Rule, **CHANGE}, summary="Enter a version of a credit rule")
    def add_version(body: RuleBody) -> Response:
        """Enter a version; where the rule holds already, days from `effective_from` on are settled again.

        The same version sent twice is one; a change needs a new version. Needs a key for all regions.
        """
        check_unbound("Credit rules")
        try:
            rule = credit_rule(body.model_dump())
        except WrongRule as error:
            raise Incomplete("wrong_rule", f"This is no credit rule: {error}.") from None
        with ledger.begin() as db:
            new = rules.add_version(db, rule, actor=actor(), now=clock())
        return kept(_rule(rule), new=new)

    @api.get("/rule-uses", responses={200: RuleUses}, summary="List where rules hold")
    def uses(query: ListQuery) -> Response:
        """Give from which days on rules hold where; before the first, the rule of the course or its region holds."""
        regions = client().regions
        with ledger.read() as db:
            seen = [row for row in rules.uses(db) if not row.region_id or regions is None or row.region_id in regions]
        behind = sorted((row for row in seen if _place(row) > query.after), key=_place)
        page, next_after = cut(behind[: query.limit + 1], query.limit, _place)
        return said(RuleUses(rule_uses=[_use(row) for row in page], next_after=next_after))

    @api.post("/rule-uses", responses={200: RuleUse, 201: RuleUse, **CHANGE}, summary="Let a rule hold from a day on")
    def use(body: UseBody) -> Response:
        """Let a rule hold; days from then on are settled again. Without a region it needs a key for all regions."""
        if body.region is None:
            check_unbound("Credit rules of every region")
        with ledger.begin() as db:
            if body.region is not None:
                named(db.get(RegionRow, body.region), f"region {body.region!r}", lambda row: row.id)
            new = _use_from(db, body, now=clock())
        return kept(RuleUse(**body.model_dump()), new=new)

    return api


def _use_from(db: Db, body: UseBody, *, now: datetime) -> bool:
    try:
        return rules.use(
            db,
            body.rule,
            effective_from=body.effective_from,
            region_id=body.region,
            course_id=body.course,
            actor=actor(),
            now=now,
        )
    except Unknown as error:
        # It is the body that names it, not the address.
        raise Incomplete(error.code, str(error)) from None


def _key(rule: CreditRule) -> str:
    # As wide as a version may be, so that 10 comes behind 9.
    return f"{rule.name}@{rule.version:07}"


def _place(row: RuleUseRow) -> str:
    return f"{row.effective_from} {row.region_id} {row.course_id}"


def _rule(rule: CreditRule) -> Rule:
    tiers = [Tier(from_minutes=tier.from_minutes, units=tier.units) for tier in rule.tiers]
    return Rule(
        name=rule.name,
        version=rule.version,
        preset=PRESETS.get(rule.name) == rule,
        unit=rule.unit,
        unit_minutes=rule.unit_minutes,
        step=rule.step,
        rounding=rule.rounding,
        first_unit_whole=rule.first_unit_whole,
        min_presence_percent=rule.min_presence_percent,
        basis=rule.basis,
        tiers=tiers,
        daily_cap=rule.daily_cap,
        effective_from=rule.effective_from,
    )


def _use(row: RuleUseRow) -> RuleUse:
    place = {"region": row.region_id or None, "course": row.course_id or None}
    return RuleUse(rule=row.rule, **place, effective_from=row.effective_from)
